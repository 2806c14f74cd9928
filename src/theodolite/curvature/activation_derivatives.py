"""An activation and its first three derivatives, as functions of float64 arrays of the host."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from theodolite.architectures import Activation
from theodolite.numerics.errors import BadInput

ORDERS = 4
BLOCK = 2**20  # numbers given to a compiled derivative at a time

HostFunction = Callable[[np.ndarray], np.ndarray]


@lru_cache(maxsize=64)
def derivatives(activation: Activation) -> tuple[HostFunction, ...]:
    """(sigma, sigma', sigma'', sigma'''), the last two by automatic differentiation of the activation's own derivative.

    Raises: BadInput when the derivative cannot be traced by JAX.

    >>> from theodolite.architectures import Tanh
    >>> [round(float(f(np.array([0.5]))[0]), 6) for f in derivatives(Tanh())]
    [0.462117, 0.786448, -0.726862, -0.565209]
    """
    return (
        _on_host(activation),
        _on_host(activation.derivative),
        _differentiated(activation, 1),
        _differentiated(activation, 2),
    )


def _on_host(function: Callable[[Any], Any]) -> HostFunction:
    """In float64, also where a user's function answers with JAX arrays."""

    def on_host(x: np.ndarray) -> np.ndarray:
        import jax

        with jax.enable_x64(True):
            return np.asarray(function(np.asarray(x, dtype=np.float64)), dtype=np.float64)

    return on_host


def _differentiated(activation: Activation, times: int) -> HostFunction:
    """The derivative of sigma', `times` times, on arrays of any shape."""
    import jax

    def one(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: jax.jvp(function, (x,), (jax.numpy.ones_like(x),))[1]

    function: Callable[[Any], Any] = activation.derivative
    for _ in range(times):
        function = one(function)
    compiled = jax.jit(function)

    def on_host(x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, dtype=np.float64)
        flat = x.ravel()
        found = np.empty_like(flat)
        size = 1 << max(int(np.ceil(np.log2(max(min(flat.size, BLOCK), 1)))), 10)  # few shapes, few compilations
        with jax.enable_x64(True):
            for start in range(0, flat.size, size):
                part = flat[start : start + size]
                padded = part if part.size == size else np.concatenate([part, np.zeros(size - part.size)])
                try:
                    found[start : start + size] = np.asarray(compiled(padded))[: part.size]
                except jax.errors.TracerArrayConversionError as error:
                    raise BadInput(
                        f"{activation!r} cannot be differentiated: its function should act on JAX arrays too, as "
                        "jax.numpy.tanh does and numpy.tanh does not"
                    ) from error
        return found.reshape(x.shape)

    return on_host
