"""Amounts of memory are read, written and refused as people mean them."""

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theodolite.numerics import BadInput, TooLarge, memory


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (500_000, 500_000),
        ("500000", 500_000),
        ("12 b", 12),
        ("1k", 1000),
        ("1kB", 1000),
        ("2KiB", 2048),
        ("800MB", 800_000_000),
        ("1.5 GB", 1_500_000_000),
        (" 2GiB ", 2 * 2**30),
        ("2gib", 2 * 2**30),
        ("3mib", 3 * 2**20),
        ("1TB", 10**12),
        (1e9, 10**9),
    ],
)
def test_sizes_are_read_as_people_write_them(text: int | str, size: int) -> None:
    assert memory.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1.2.3GB", "4 GB please", "1e3", "4PB", "1i", "nan", None, True])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"cannot read .* as an amount of memory; write it as 500MB, 4GB or 2GiB"):
        memory.parse_bytes(text)


@pytest.mark.parametrize("text", [0, "0GB", "0.4b"])
def test_no_memory_at_all_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="must be positive"):
        memory.parse_bytes(text)


@given(st.floats(1, 1e16))
def test_a_size_for_people_is_the_size_to_three_digits(size: float) -> None:
    text = memory.readable(size)
    assert "e" not in text
    assert memory.parse_bytes(text) == pytest.approx(size, rel=5.1e-3, abs=1.0)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (999.7, "1 kB"), (1000, "1 kB"), (999_999, "1 MB"), (2.5e12, "2500 GB")],
)
def test_sizes_round_up_into_the_next_unit(size: float, text: str) -> None:
    assert memory.readable(size) == text


def test_the_limit_is_what_was_given_or_a_share_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: 1_000_000)
    assert memory.limit_bytes() == 600_000
    assert memory.limit_bytes("2MB") == 2_000_000


def test_free_memory_is_what_the_system_says() -> None:
    assert 0 < memory.free_bytes() < psutil.virtual_memory().total


def test_a_step_that_fits_exactly_passes_and_one_byte_more_does_not() -> None:
    memory.require(1000, 1000, "a step", "take less")
    with pytest.raises(TooLarge) as caught:
        memory.require(1001, 1000, "a step", "take less")
    assert str(caught.value) == "a step needs 1 kB (1001 bytes), more than the limit of 1 kB; take less"
    assert (caught.value.needed, caught.value.limit) == (1001, 1000)
