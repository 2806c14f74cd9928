"""Functions with kinks: what automatic differentiation calls their second derivative misses what the kinks hold."""

from typing import Any

import jax

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
        name = str(own.get("name", ""))
        if primitive in BENT:
            found.add(primitive)
        elif "custom" in primitive and not any(word in name for word in BENT_NAMES):
            continue  # its derivative is given by hand: smooth unless its name says otherwise
        for value in own.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inside = getattr(inner, "jaxpr", inner)
                if hasattr(inside, "eqns"):
                    _walk(inside, found)
