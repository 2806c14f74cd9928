"""Keys of random features: a whole number, or a key of jax.random."""

from typing import Any

import numpy as np

from theodolite.numerics.errors import BadInput


def generator(key: Any) -> np.random.Generator:
    """The host's generator for a key; equal keys give equal numbers.

    Args: key, a whole number >= 0, or a key of jax.random, old style (uint32) or new.
    Raises: BadInput for anything else, also a numpy generator, whose state would make a draw depend on earlier ones.

    >>> float(generator(3).random()) == float(generator(3).random())
    True
    """
    return np.random.default_rng(_words(key))


def _words(key: Any) -> int | list[int]:
    if type(key).__module__.startswith(("jax", "jaxlib")):
        import jax

        data = jax.random.key_data(key) if jax.numpy.issubdtype(key.dtype, jax.dtypes.prng_key) else key
        if data.ndim == 1 and data.dtype == np.uint32:
            return [int(word) for word in data]
        raise BadInput(f"expected one key of jax.random, got an array of shape {key.shape} and dtype {key.dtype}")
    if isinstance(key, int | np.integer) and not isinstance(key, bool) and key >= 0:
        return int(key)
    raise BadInput(f"key must be a whole number >= 0 or a key of jax.random, got {key!r}")
