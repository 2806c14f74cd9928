"""Functions with kinks: what automatic differentiation calls their second derivative misses what the kinks hold."""

from typing import Any

import jax
import numpy as np

BENT = {"max", "min", "abs", "clamp", "reduce_window_max", "reduce_window_min"}
# of the wrapped functions, those whose insides bend; others (softplus, logsumexp) use max and abs and are smooth
BENT_NAMES = ("relu", "hard_tanh", "hard_sigmoid", "hard_silu", "hard_swish", "absolute")


def kinks(f: Any, *arguments: Any) -> tuple[str, ...]:
    """Names of operations in f that bend, as far as its trace shows them; empty for smooth functions.

    >>> import jax.numpy as jnp
    >>> kinks(lambda x: jnp.maximum(x, 0.0) * 2, 1.0), kinks(lambda x: jax.nn.softplus(jnp.tanh(x)), 1.0)
    (('max',), ())
    """
    found: set[str] = set()
    _walk(jax.make_jaxpr(f)(*arguments).jaxpr, found)
    return tuple(sorted(found))


def _walk(jaxpr: Any, found: set[str]) -> None:
    for equation in jaxpr.eqns:
        primitive, own = equation.primitive.name, equation.params
        if primitive in BENT and not any(_infinite(operand) for operand in equation.invars):
            found.add(primitive)
        elif "custom" in primitive and not any(word in name for word in BENT_NAMES for name in _names(own)):
            continue  # its derivative is given by hand: smooth unless its name says otherwise
        for value in own.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inside = getattr(inner, "jaxpr", inner)
                if hasattr(inside, "eqns"):
                    _walk(inside, found)


def _names(parameters: dict[str, Any]) -> list[str]:
    """What a wrapped function is called, by itself or by the one compiled function inside."""
    inside = getattr(parameters.get("call_jaxpr"), "jaxpr", None)
    inner = [str(equation.params.get("name", "")) for equation in getattr(inside, "eqns", ())]
    return [str(parameters.get("name", "")), *inner]


def _infinite(operand: Any) -> bool:
    """A literal infinity, of which the larger or smaller is always the other one: how a running maximum begins."""
    value = getattr(operand, "val", None)
    return value is not None and np.ndim(value) == 0 and bool(np.isinf(np.asarray(value, np.float64)))
