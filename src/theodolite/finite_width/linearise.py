"""A function of parameters replaced by its Taylor polynomial around given parameters."""

from collections.abc import Callable
from typing import Any

import jax

from theodolite.finite_width.network import Network
from theodolite.numerics.checks import positive_integer

Function = Callable[[Any, Any], Any]


def linearise(f: Function | Network, params: Any) -> Function:
    """f(params, X) + J (new - params): the network whose training is kernel gradient descent.

    Args: f, a `Network` or a function f(params, X); params, a tree of arrays.
    Returns: a function of (new parameters, X), traceable. Source: Jacot et al. (2018), arXiv:1806.07572, section 3.1.
    Cost: a forward pass and a derivative along one direction.

    >>> g = linearise(lambda p, x: p**2 * x, 3.0)
    >>> float(g(4.0, 1.0)), float(g(3.0, 1.0))
    (15.0, 9.0)
    """
    return taylor(f, params, 1)


def taylor(f: Function | Network, params: Any, order: int) -> Function:
    """The Taylor polynomial of f in its parameters, sum over j <= order of D^j f (new - params)^j / j!.

    Args and returns as `linearise`; order >= 1. Cost: grows by a small factor with each order.

    >>> g = taylor(lambda p, x: p**3 * x, 1.0, 2)
    >>> float(g(2.0, 1.0))
    7.0
    """
    order = positive_integer(order, "order")
    apply = f.apply if isinstance(f, Network) else f

    def polynomial(new: Any, X: Any) -> Any:
        step = jax.tree.map(lambda a, b: a - b, new, params)

        def term(along: Callable[[Any], Any], p: Any, j: int) -> Any:
            """The sum of all terms from order j on, given the j-th derivative along the step."""
            if j == order:
                return along(p)
            value, _ = jax.jvp(along, (p,), (step,))
            rest = term(lambda q: jax.jvp(along, (q,), (step,))[1] / (j + 1), p, j + 1)
            return jax.tree.map(lambda a, b: a + b, value, rest)

        return term(lambda p: apply(p, X), jax.tree.map(jax.numpy.asarray, params), 0)

    return polynomial
