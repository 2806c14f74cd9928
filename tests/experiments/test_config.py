"""Configs are plain, survive JSON, and are known by their content."""

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theodolite.experiments import Config, Key, content_hash
from theodolite.numerics.errors import BadInput


@dataclass(frozen=True)
class Sample(Config):
    rows: int = 3
    ridge: float = 0.1
    name: str = "digits"
    flag: bool = False
    nothing: None = None
    sizes: tuple[int, ...] = (1, 2)
    nested: tuple[tuple[str, float], ...] = (("a", 0.5),)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
SAMPLES = st.builds(
    Sample,
    rows=st.integers(),
    ridge=FINITE,
    name=st.text(),
    flag=st.booleans(),
    sizes=st.lists(st.integers(), max_size=4).map(tuple),
    nested=st.lists(st.tuples(st.text(), FINITE), max_size=3).map(tuple),
)


@given(SAMPLES)
def test_a_config_survives_json_with_its_hash(config: Sample) -> None:
    back = Sample.from_json(json.loads(json.dumps(config.to_json())))
    assert back == config
    assert back.content_hash() == config.content_hash()


@given(SAMPLES, SAMPLES)
def test_configs_are_equal_exactly_when_their_hashes_are(one: Sample, other: Sample) -> None:
    assert (one == other) == (one.content_hash() == other.content_hash())


def test_the_hash_is_the_same_in_another_process_and_as_it_was_when_first_stored() -> None:
    program = "from theodolite.experiments import content_hash; print(content_hash({'b': 1.0, 'a': [0.1, 'ℓ', None]}))"
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    frozen = "ac2bc72222db4941"  # of this document, as first stored: results are found again after an upgrade
    assert (
        answers == {content_hash({"a": [0.1, "ℓ", None], "b": 1})} == {content_hash({"b": 1.0, "a": (0.1, "ℓ", None)})}
    )
    assert next(iter(answers)).startswith(frozen)


@pytest.mark.parametrize("change", [{"rows": 4}, {"ridge": 0.2}, {"name": "wine"}, {"flag": True}, {"sizes": (2, 1)}])
def test_every_field_enters_the_hash(change: dict[str, Any]) -> None:
    assert replace(Sample(), **change).content_hash() != Sample().content_hash()


@pytest.mark.parametrize(
    "value", [[1, 2], {"a": 1}, np.float64(1.0), np.arange(2), math.nan, math.inf, object(), ([1],)]
)
def test_what_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(BadInput, match=r"Sample\.sizes"):
        Sample(sizes=value)


def test_unknown_and_missing_fields_are_named() -> None:
    with pytest.raises(BadInput, match="no field 'row'"):
        Sample.from_json({"row": 3})

    @dataclass(frozen=True)
    class Needy(Config):
        rows: int

    with pytest.raises(BadInput, match="rows"):
        Needy.from_json({})


@given(st.integers(0, 2**70), st.text(), st.text())
def test_keys_give_the_same_numbers_by_name_and_different_ones_by_another(seed: int, one: str, other: str) -> None:
    key = Key(seed)
    assert key.split(one).rng().random() == Key(seed).split(one).rng().random()
    assert (key.split(one).integer() == key.split(other).integer()) == (one == other)
    assert key.split(one, other) == key.split(one).split(other)
    assert 0 <= key.integer() < 2**63


@pytest.mark.parametrize("seed", [-1, 1.0, "1", True])
def test_a_seed_is_a_natural_number(seed: Any) -> None:
    with pytest.raises(BadInput, match="seed"):
        Key(seed)
