"""Double precision for a test that asks for it, and only there."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture
def double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield
