"""Which way a tangent kernel is computed: what each costs, and which is taken."""

import math
from dataclasses import dataclass
from typing import Any

import jax

from theodolite.finite_width.network import Network
from theodolite.finite_width.tangent_factors import NotFactored, by_gradients, layer_sizes
from theodolite.finite_width.tangent_products import Function, one_at_a_time

WRITTEN = 200.0  # operations that fit into the time of writing one derivative to memory and reading it again (measured)


@dataclass(frozen=True)
class Route:
    """One way: its name, floating-point operations, and numbers held at once for one input (`held`)."""

    name: str
    operations: float
    held: float


@dataclass(frozen=True)
class Plan:
    """The ways that are open, cheapest first, and what they were estimated from.

    >>> plan = Plan((Route("layers", 1e9, 1e4), Route("products", 1e12, 1e6)), 64, 64, 10, 5 * 10**5)
    >>> print(plan)
    tangent kernel of 64 x 64 inputs, 10 outputs, 500,000 parameters
      layers     1.0e+09 operations, 1.0e+04 numbers an input  <- taken
      products   1.0e+12 operations, 1.0e+06 numbers an input
    """

    routes: tuple[Route, ...]
    rows: int
    columns: int
    outputs: int
    parameters: int

    @property
    def taken(self) -> Route:
        """The cheapest."""
        return self.routes[0]

    def __str__(self) -> str:
        head = (
            f"tangent kernel of {self.rows} x {self.columns} inputs, {self.outputs} outputs, "
            f"{self.parameters:,} parameters"
        )
        lines = [
            f"  {route.name:10s} {route.operations:.1e} operations, {route.held:.1e} numbers an input"
            + ("  <- taken" if route is self.taken else "")
            for route in self.routes
        ]
        return "\n".join([head, *lines])


def plan(f: Function, params: Any, X: Any, Z: Any, trace: bool) -> Plan:
    """Estimate all ways for batches X (n, ...) and Z (m, ...)."""
    n, m = len(X), len(Z)
    outputs = len(jax.eval_shape(one_at_a_time(f, params), params, X[0]))
    parameters = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
    passed = _forward_operations(f, params, X, parameters)
    pairs = n * m * (outputs if trace else outputs**2)
    routes = [
        Route(
            "jacobian",
            (n + m) * outputs * (2 * passed + WRITTEN * parameters) + 2 * pairs * parameters,
            outputs * parameters,
        ),
        Route("products", n * outputs * (2 * passed + WRITTEN * parameters + 2 * m * passed), parameters),
    ]
    network = network_of(f)
    if network is not None:
        try:
            sizes = layer_sizes(network, params, X)
            contraction = sum(_contraction(outputs, size, n, m, trace) for size in sizes)
            held = sum(t * (a + outputs * c) + _gradient_size(outputs, (t, a, c), n, m) for t, a, c in sizes)
            routes.append(Route("layers", (n + m) * (1 + 2 * outputs) * passed + contraction, held))
        except NotFactored:
            pass
    return Plan(tuple(sorted(routes, key=lambda route: route.operations)), n, m, outputs, parameters)


def network_of(f: Any) -> Network | None:
    """The network of this package that f is, or is the `apply` of."""
    owner = getattr(f, "__self__", f)
    return owner if isinstance(owner, Network) else None


def _forward_operations(f: Function, params: Any, X: Any, parameters: int) -> float:
    """Operations of one forward pass of one input, as the compiler counts them; two a parameter when it does not."""
    try:
        counted: Any = jax.jit(f).lower(params, X[:1]).cost_analysis()
        found = float((counted[0] if isinstance(counted, list) else counted)["flops"])
    except (KeyError, TypeError, NotImplementedError, RuntimeError):
        found = 0.0
    return max(found, 2.0 * parameters)


def _contraction(outputs: int, size: tuple[int, int, int], n: int, m: int, trace: bool) -> float:
    positions, fan_in, channels = size
    each = outputs if trace else outputs**2
    if by_gradients(outputs, positions, channels, fan_in, n, m):
        weights = fan_in * channels
        return 2.0 * (n + m) * outputs * positions * weights + 2.0 * n * m * each * weights
    return 2.0 * n * m * positions**2 * (fan_in + each * channels)


def _gradient_size(outputs: int, size: tuple[int, int, int], n: int, m: int) -> float:
    positions, fan_in, channels = size
    return outputs * fan_in * channels if by_gradients(outputs, positions, channels, fan_in, n, m) else 0.0
