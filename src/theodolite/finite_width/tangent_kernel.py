"""The empirical tangent kernel of any function f(params, X), as a matrix or as a kernel."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.finite_width.network import Network
from theodolite.finite_width.tangent_factors import contracted, factors
from theodolite.finite_width.tangent_plan import Plan, network_of, plan
from theodolite.finite_width.tangent_products import Function, by_jacobians, by_products, jacobian
from theodolite.kernels import Kernel, Pairs
from theodolite.kernels.pairs import as_data
from theodolite.numerics import memory
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.numerics.progress import Progress, silent

Outputs = Literal["trace", "full"]
SHARE = 0.25  # of the memory limit that the derivatives of one block of inputs may take


def tangent_kernel(
    f: Any,
    params: Any,
    X: Any = None,
    Z: Any = None,
    *,
    outputs: Outputs = "trace",
    block: int | None = None,
    route: str | None = None,
    explain: bool = False,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> Any:
    """The empirical neural tangent kernel, sum over parameters p of (d f_o(x) / d p) (d f_q(z) / d p).

    Args: f, a `Network` or any function f(params, X) of a tree of arrays and a batch (n, ...) that treats inputs one
        by one, with k outputs each (Flax: `lambda p, x: model.apply(p, x)`; Equinox: see the guide); X (n, ...) and
        Z (m, ...), X itself by default; outputs, "trace" for the mean over outputs of the diagonal o = q, "full" for
        all pairs; block, inputs at a time, by default what a quarter of the memory limit holds; route, "layers",
        "jacobian" or "products", by default the cheapest by estimate; explain, return that estimate, a `Plan`, and
        compute nothing; progress, told after each block.
    Returns: an array (n, m), or (n, m, k, k), of the dtype of params; without X, a Kernel.
    Raises: BadInput, ShapeMismatch; TooLarge when not even one input's derivatives fit.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 4.
    Cost: what `explain=True` says. "layers" needs a `Network` of Dense and Conv layers.

    >>> from theodolite.architectures import Dense, Relu
    >>> from theodolite.finite_width import network
    >>> net = network(Dense() >> Relu() >> Dense(), width=32)
    >>> params = net.init(jax.random.key(0), (3,))
    >>> tangent_kernel(net, params, np.eye(3)).shape
    (3, 3)
    """
    if outputs not in ("trace", "full"):
        raise BadInput(f"outputs must be 'trace' or 'full', got {outputs!r}")
    function = _function(f, params)
    if X is None:
        if outputs == "full":
            raise BadInput("as a kernel of two points the tangent kernel is traced over the outputs; give X for 'full'")
        return TangentKernel(function, params, block, route, memory_limit)
    X = _batch(X, params)
    Z = X if Z is None else _batch(Z, params)
    if X.shape[1:] != Z.shape[1:]:
        raise ShapeMismatch(f"X has inputs of shape {X.shape[1:]} and Z of {Z.shape[1:]}; expected the same")
    chosen = plan(function, params, X, Z, outputs == "trace")
    if explain:
        return chosen
    return _blocks(function, params, X, Z, chosen, outputs == "trace", block, route, memory_limit, progress)


@dataclass(frozen=True, eq=False, repr=False)
class TangentKernel(Kernel):
    """The empirical tangent kernel of f at params, traced over the outputs; `tangent_kernel(f, params)` makes it."""

    does_its_own_blocks: ClassVar[bool] = True

    f: Any
    params: Any
    block: int | None = None
    route: str | None = None
    memory_limit: int | str | None = None

    def on(self, pairs: Pairs) -> Any:
        Z = None if pairs.symmetric else pairs.Z
        found = tangent_kernel(
            self.f, self.params, pairs.X, Z, block=self.block, route=self.route, memory_limit=self.memory_limit
        )
        return pairs.xp.asarray(found, dtype=pairs.X.dtype)

    def diagonal(self, X: Any) -> Any:
        X = as_data(X)
        batch = _batch(X, self.params)
        step = self.block or 32
        parts = [_squares(self.f, self.params, batch[i : i + step]) for i in range(0, len(batch), step)]
        return np.concatenate([np.asarray(part, dtype=X.dtype) for part in parts])

    def config(self) -> dict[str, Any]:
        raise BadInput("the tangent kernel of a network with its weights cannot be written to a file; save the weights")

    def __repr__(self) -> str:
        network = network_of(self.f)
        name = repr(network.net) if network is not None else getattr(self.f, "__name__", type(self.f).__name__)
        return f"tangent_kernel({name})"


def _blocks(
    f: Function,
    params: Any,
    X: Any,
    Z: Any,
    chosen: Plan,
    trace: bool,
    block: int | None,
    route: str | None,
    memory_limit: int | str | None,
    progress: Progress,
) -> np.ndarray:
    taken = next((way for way in chosen.routes if way.name == route), None) if route else chosen.taken
    if taken is None:
        raise BadInput(f"no route {route!r} for this function; open: {', '.join(way.name for way in chosen.routes)}")
    n, m, k = chosen.rows, chosen.columns, chosen.outputs
    dtype = np.dtype(jnp.result_type(*jax.tree.leaves(params)))
    shape = (n, m) if trace else (n, m, k, k)
    limit = memory.limit_bytes(memory_limit)
    memory.require(
        int(dtype.itemsize * (np.prod(shape, dtype=float) + 2 * taken.held)),
        memory_limit,
        f"a tangent kernel of {n} x {m} inputs by the route {taken.name!r}",
        "use fewer inputs, float32 parameters, or route='products', which holds one gradient at a time",
    )
    size = positive_integer(block, "block") if block else int(max(SHARE * limit / (dtype.itemsize * taken.held), 1))
    matrix = np.empty(shape, dtype)
    symmetric = Z is X
    for i in range(0, n, size):
        rows = slice(i, min(i + size, n))
        for j in range(0, min(i + size, m) if symmetric else m, size):
            columns = slice(j, min(j + size, m))
            same = symmetric and i == j
            part = np.asarray(_part(taken.name, f, params, X[rows], None if same else Z[columns], trace))
            matrix[rows, columns] = part
            if symmetric:
                matrix[columns, rows] = np.swapaxes(part, 0, 1) if trace else part.transpose(1, 0, 3, 2)
        progress(rows.stop, n, "tangent kernel")
    if symmetric and trace:
        matrix = np.tril(matrix) + np.tril(matrix, -1).T
    return matrix / k if trace else matrix


@partial(jax.jit, static_argnums=(0, 1, 5))
def _part(route: str, f: Function, params: Any, X: Any, Z: Any, trace: bool) -> jax.Array:
    Z = X if Z is None else Z
    if route == "layers":
        network = network_of(f)
        assert network is not None
        left = factors(network, params, X)
        return contracted(left, left if Z is X else factors(network, params, Z), trace)
    return (by_jacobians if route == "jacobian" else by_products)(f, params, X, Z, trace)


@partial(jax.jit, static_argnums=(0,))
def _squares(f: Function, params: Any, X: Any) -> jax.Array:
    rows = jacobian(f, params, X)
    return sum(jnp.sum(row * row, axis=(1, 2)) for row in rows) / rows[0].shape[1]  # type: ignore[return-value]


def _function(f: Any, params: Any) -> Function:
    if not jax.tree.leaves(params):
        raise BadInput("params is an empty tree: a function without parameters has no tangent kernel")
    if isinstance(f, Network):
        return f.apply
    if not callable(f):
        raise BadInput(f"expected a Network or a function f(params, X), got {type(f).__name__}")
    return f


def _batch(X: Any, params: Any) -> jax.Array:
    return jnp.asarray(as_data(X), jnp.result_type(*jax.tree.leaves(params)))
