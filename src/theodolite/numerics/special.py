"""Special functions for numpy and JAX arrays alike."""

import importlib
from typing import Any

import scipy.special
from array_api_compat import is_jax_array


def special(x: Any) -> Any:
    """The module of special functions (erf, expit, ...) that belongs to an array.

    >>> import numpy as np
    >>> float(special(np.zeros(1)).erf(0.0))
    0.0
    """
    return importlib.import_module("jax.scipy.special") if is_jax_array(x) else scipy.special
