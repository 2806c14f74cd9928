"""Shared by all tests: steady examples, one thread of linear algebra, a folder of real data when there is one."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

os.environ.setdefault("MPLBACKEND", "Agg")
# as the command does: computing in the background was seen to wait for itself for ever
os.environ.setdefault("JAX_CPU_ENABLE_ASYNC_DISPATCH", "0")


# the same examples on every machine and every day; pytest --hypothesis-profile=search draws others
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("steady")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes are named by their length: packed ones hold the time of day, and workers must collect equal names."""
    return f"{len(val)}_bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads lose time on small matrices, ten times so when other work waits for the processors."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20200617)


@pytest.fixture
def data_folder() -> Path:
    """A folder of real data sets, when the developer has one."""
    folder = os.environ.get("THEODOLITE_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set THEODOLITE_DATA to a folder of data sets to run this test")
    return Path(folder)
