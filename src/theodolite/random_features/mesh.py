"""Kernels and features on several accelerators: rows are dealt out over a mesh of JAX devices.

Each device evaluates its own rows; sums over rows meet once a block. Precision is that of the device: pass
`precision=np.float64` for the host's numbers on processors, leave float32 to accelerators.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from theodolite.kernels import Kernel, as_kernel
from theodolite.numerics.checks import finite, positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.random_features.fourier import FourierMap
from theodolite.random_features.maps import FeatureMap
from theodolite.random_features.nystrom import NystromMap
from theodolite.random_features.relu import ReluMap
from theodolite.random_features.statistics import SufficientStatistics

BLOCK_ROWS = 8192  # of all devices together


def gram_on_mesh(
    kernel: Kernel, X: Any, Z: Any = None, *, devices: Sequence[Any] | None = None, precision: Any = np.float64
) -> np.ndarray:
    """The matrix K(X, Z), or K(X, X), with the rows of X dealt out over devices.

    Args: kernel; X (n, d), Z (m, d); devices, all of JAX by default; precision, of the computation.
    Returns: (n, m) on the host, equal to `kernels.gram` within the round-off of the precision.
    Raises: NotFinite, BadInput. Cost: n m / devices kernel values on each, memory n m / devices numbers.

    >>> from theodolite.kernels import RBF
    >>> gram_on_mesh(RBF(1.0), [[0.0], [1.0]]).round(3).tolist()
    [[1.0, 0.368], [0.368, 1.0]]
    """
    import jax

    kernel = as_kernel(kernel)
    with _precision(precision):
        X = _checked(X, precision, "X")
        others = jax.numpy.asarray(X if Z is None else _checked(Z, precision, "Z"))
        place, by_rows, everywhere = _placing(devices)
        evaluate = jax.jit(kernel, in_shardings=(by_rows, everywhere), out_shardings=by_rows)
        padded, _ = _padded(X, place)
        values = evaluate(jax.device_put(padded, by_rows), jax.device_put(others, everywhere))
        matrix = np.array(values)[: len(X)]
    if Z is None:  # a device does not see that x and z are one point
        matrix.flat[:: len(X) + 1] = np.asarray(kernel.diagonal(X))
    return matrix


def statistics_on_mesh(
    one: FeatureMap | Callable[[Any], Any],
    X: Any,
    targets: Any,
    *,
    devices: Sequence[Any] | None = None,
    precision: Any = np.float64,
    block_rows: int = BLOCK_ROWS,
) -> SufficientStatistics:
    """Sufficient statistics of features, each block's rows dealt out over devices and summed across them.

    Args: one, a Fourier, ReLU or Nystrom map, or a function (b, d) -> (b, P) that JAX can trace; X (n, d); targets (n,)
        or (n, k); devices, all of JAX by default; block_rows, of all devices together.
    Returns: what `SufficientStatistics.of_block` gives, within the round-off of the precision.
    Raises: ShapeMismatch, NotFinite, BadInput. Cost: 2 n P^2 / devices operations on each.

    >>> from theodolite.kernels import RBF
    >>> from theodolite.random_features import FourierFeatures
    >>> X, one = np.eye(3), FourierFeatures(RBF(2.0)).sample(0, 4, 3)
    >>> found = statistics_on_mesh(one, X, np.ones(3))
    >>> bool(np.allclose(found.feature_gram, one.transform(X).T @ one.transform(X))), found.rows
    (True, 3)
    """
    import jax
    import jax.numpy as jnp

    positive_integer(block_rows, "block_rows")
    features = traceable(one) if isinstance(one, FeatureMap) else one

    def sums(X: Any, Y: Any, there: Any) -> Any:
        F = features(X) * there[:, None]  # rows that only fill up the last block count for nothing
        return F.T @ F, F.T @ Y, F.sum(axis=0), Y.sum(axis=0), Y.T @ Y

    with _precision(precision):
        X = _checked(X, precision, "X")
        Y = _checked(targets, precision, "targets").reshape(len(X), -1) if len(X) == len(targets) else None
        if Y is None:
            raise ShapeMismatch(f"{len(targets)} targets do not go with {len(X)} rows")
        place, by_rows, everywhere = _placing(devices)
        added = jax.jit(
            lambda total, *block: jax.tree.map(jnp.add, total, sums(*block)),
            in_shardings=(everywhere, by_rows, by_rows, by_rows),
            out_shardings=everywhere,
            donate_argnums=0,
        )
        total = None
        for part, (here, there) in zip(_blocks(Y, block_rows), _blocks_padded(X, block_rows, place), strict=True):
            block = tuple(jax.device_put(array, by_rows) for array in (here, _padded(part, place, len(here))[0], there))
            if total is None:
                shapes = jax.eval_shape(sums, *block)
                total = jax.tree.map(lambda one: jax.device_put(jnp.zeros(one.shape, one.dtype), everywhere), shapes)
            total = added(total, *block)
        gram, cross, feature_sum, target_sum, target_gram = (np.array(one, dtype=np.float64) for one in total or ())
    return SufficientStatistics(
        len(X), np.asfortranarray(gram), np.asfortranarray(cross), feature_sum, target_sum, target_gram
    )


def traceable(one: FeatureMap) -> Callable[[Any], Any]:
    """A map as a function (b, d) -> (b, P) that JAX can trace, compile and differentiate. BadInput for other maps."""
    import jax.numpy as jnp

    if isinstance(one, FourierMap):
        pairs = one.features // 2

        def fourier(X: Any) -> Any:
            angles = X @ jnp.asarray(one.frequencies, X.dtype) + jnp.asarray(one.phases, X.dtype)
            values = jnp.cos(angles)
            if one.paired:
                values = jnp.concatenate([values, jnp.sin(angles[:, :pairs])], axis=1)
            return values * np.sqrt(2.0 * one.amplitude / one.features)

        return fourier
    if isinstance(one, ReluMap):
        return lambda X: jnp.maximum(X @ jnp.asarray(one.weights, X.dtype) + jnp.asarray(one.biases, X.dtype), 0.0)
    if isinstance(one, NystromMap):
        return lambda X: one.kernel(X, jnp.asarray(one.landmarks, X.dtype)) @ jnp.asarray(one.root, X.dtype)
    raise BadInput(
        f"{type(one).__name__} has no form on accelerators; use Fourier, ReLU or Nystrom features, or give a function "
        "of JAX arrays"
    )


def _placing(devices: Sequence[Any] | None) -> tuple[int, Any, Any]:
    """(devices, rows dealt out over them, the same on all)."""
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    chosen = list(jax.devices() if devices is None else devices)
    if not chosen:
        raise BadInput("devices is empty; leave it out to use all that JAX sees")
    mesh = Mesh(np.array(chosen), ("rows",))
    return len(chosen), NamedSharding(mesh, PartitionSpec("rows")), NamedSharding(mesh, PartitionSpec())


def _precision(precision: Any) -> Any:
    from contextlib import nullcontext

    import jax

    kind = np.dtype(precision)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise BadInput(f"precision must be numpy.float32 or numpy.float64, got {precision!r}")
    return jax.enable_x64(True) if kind == np.float64 else nullcontext()


def _checked(values: Any, precision: Any, name: str) -> np.ndarray:
    return finite(np.asarray(values, dtype=precision), name)


def _padded(values: np.ndarray, devices: int, rows: int = 0) -> tuple[np.ndarray, int]:
    """Rows filled up with copies of the first to a multiple of the devices; and how many were added."""
    wanted = rows or -(-len(values) // devices) * devices
    extra = wanted - len(values)
    fill = np.zeros_like(values[:1]) if rows else values[:1]
    return (np.concatenate([values, np.repeat(fill, extra, axis=0)]) if extra else values), extra


def _blocks(values: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    for start in range(0, len(values), rows):
        yield values[start : start + rows]


def _blocks_padded(X: np.ndarray, rows: int, devices: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of one shape, so that one compilation serves all, with 1 for rows that are there and 0 for the others."""
    shape = -(-min(rows, len(X)) // devices) * devices
    for block in _blocks(X, rows):
        full = np.concatenate([block, np.repeat(block[:1], shape - len(block), axis=0)])
        yield full, (np.arange(shape) < len(block)).astype(X.dtype)
