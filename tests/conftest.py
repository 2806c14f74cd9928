"""Shared by all tests: one thread for linear algebra would hide nothing, two cores are what we promise."""

import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")


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
