"""A path between two networks along which the loss is followed, with a certificate of how far the function strays."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theodolite.landscape.expansions import ExpansionPath, expansion_path, pairs
from theodolite.landscape.matching import Match, match, same_shapes
from theodolite.landscape.mlp import Mlp
from theodolite.landscape.path import SymmetryPath, end_of, symmetry_path, with_spares
from theodolite.numerics.checks import finite, positive_integer
from theodolite.numerics.errors import ShapeMismatch
from theodolite.numerics.progress import Progress, silent

Loss = Callable[[np.ndarray], float]
SAME = 1e-5


@dataclass(frozen=True, eq=False)
class Connection:
    """Two networks and the path between them.

    Attributes: path, of exact symmetries, from the first network to the nearest permutation of it to the second one, or
    all the way when both are one narrow network with copies and silent neurons; match, of the neurons, or of those of
    the narrow network; deviation, the certificate: the largest |f - f_start| along that path over the largest
    |f_start|, on a grid; distance, of the end of that path to the second network over the norm of the latter: round-off
    when the networks are permutations of each other; residual, the largest |f - f_start| on the last straight segment,
    which covers that distance, over the largest |f_start|; position (k,) and loss (k,) along path and last segment,
    position counted in segments; straight_position in [0, 1] and straight_loss along the straight line between the two.
    """

    path: SymmetryPath | ExpansionPath
    match: Match
    deviation: float
    distance: float
    residual: float
    position: np.ndarray
    loss: np.ndarray
    straight_position: np.ndarray
    straight_loss: np.ndarray

    @property
    def segments(self) -> int:
        """Straight segments of the path of symmetries."""
        return self.path.segments

    @property
    def permutation(self) -> bool:
        """Whether they differ by order, signs, factors of neurons: at most 1e-5 of the norm is left (float32 files)."""
        return self.narrow is None and self.distance <= SAME

    @property
    def narrow(self) -> tuple[int, ...] | None:
        """The widths of the narrow network both are, when they are joined by way of that one; None otherwise."""
        return self.path.down.widths if isinstance(self.path, ExpansionPath) else None

    @property
    def whole(self) -> bool:
        """Whether the path of symmetries leads all the way to the second network."""
        return self.permutation or self.narrow is not None

    @property
    def way(self) -> np.ndarray:
        """Shares of the way (k,), from 0 to 1, of the points of the path; the last straight line takes its second half
        where the networks are no permutations of each other."""
        if self.whole or not self.segments:
            return self.position / self.position[-1]
        last = np.maximum(self.position - self.segments, 0.0)
        return 0.5 * np.minimum(self.position / self.segments, 1.0) + 0.5 * last

    @property
    def barrier(self) -> float:
        """How far the loss rises along the path above the larger of its ends."""
        return float(self.loss.max() - max(self.loss[0], self.loss[-1]))

    @property
    def straight_barrier(self) -> float:
        """The same along the straight line."""
        return float(self.straight_loss.max() - max(self.straight_loss[0], self.straight_loss[-1]))


def connect(
    a: Mlp,
    b: Mlp,
    X: Any,
    loss: Loss | None = None,
    *,
    spares: int = 1,
    points: int = 4,
    straight_points: int = 61,
    progress: Progress = silent,
) -> Connection:
    """Match the neurons of two networks and walk from one to the other with one spare neuron a hidden layer.

    Between permutations of one network the path keeps the function, exactly but for round-off, where the straight line
    crosses a barrier; so it does between any two networks that are one narrow network with copies and silent neurons,
    see `expansion_path`, which needs no added neurons where there are copies. Between different networks it leads to
    the permutation of the first that is nearest to the second, and the last segment is straight: its loss is the
    barrier that permutation cannot take away.

    Args: a, b, of one architecture; X (n, inputs), on which functions are compared; loss, from outputs (n, o) to a
        number, the mean squared difference from the outputs of `a` unless given; spares, silent neurons in each hidden
        layer to move over, so many neurons at a time; points on each segment, its end included; straight_points of the
        line and of the last segment; progress.
    Returns: a Connection. Raises: ShapeMismatch for different shapes, biases or activations, NotFinite, BadInput.
    Source: Simsek et al. (2021), arXiv:2105.12221, connectivity theorem; matching as in Ainsworth et al. (2022).
    Cost: points x segments forward passes; about 2 (width + cycles) segments a hidden layer, over the spares.

    >>> from theodolite.landscape import mlp
    >>> net = mlp([[[1.0], [2.0], [-1.0]], [[1.0, -1.0, 2.0]]], activation="tanh")
    >>> found = connect(net, net.permuted([[1, 2, 0]]), np.linspace(-2, 2, 9)[:, None])
    >>> found.segments, found.deviation < 1e-14, found.barrier < 1e-14 < found.straight_barrier
    (9, True, True)
    """
    same_shapes(a, b)
    inputs = finite(np.asarray(X, dtype=np.float64), "X")
    if inputs.ndim != 2 or inputs.shape[1] != a.inputs:
        raise ShapeMismatch(f"X has shape {inputs.shape}; expected (rows, {a.inputs}), as the networks read")
    start = a(inputs)
    measure = loss if loss is not None else (lambda outputs: float(np.mean((outputs - start) ** 2)))
    size = float(np.abs(start).max(initial=0.0)) or 1.0
    progress(0, 1, "matching neurons")
    path, found, distance, rest = _route(a, b, positive_integer(spares, "spares"))
    total = path.segments + 1
    position, losses, deviation = [0.0], [measure(start)], 0.0
    for done, (first, second) in enumerate(pairs(path)):
        progress(done, total, f"segment {done + 1} of {path.segments}")
        for share in np.arange(1, positive_integer(points, "points") + 1) / points:
            outputs = between(first, second, share)(inputs)
            deviation = max(deviation, float(np.abs(outputs - start).max()) / size)
            position.append(done + float(share))
            losses.append(measure(outputs))
    residual = 0.0
    if rest is not None:
        for share in np.linspace(0.0, 1.0, straight_points)[1:]:
            outputs = between(*rest, share)(inputs)
            residual = max(residual, float(np.abs(outputs - start).max()) / size)
            position.append(path.segments + float(share))
            losses.append(measure(outputs))
    shares = np.linspace(0.0, 1.0, straight_points)
    straight = np.array([measure(between(a, b, share)(inputs)) for share in shares])
    progress(total, total, "done")
    return Connection(
        path, found, deviation, distance, residual, np.array(position), np.array(losses), shares, straight
    )


def _route(a: Mlp, b: Mlp, spares: int) -> tuple[SymmetryPath | ExpansionPath, Match, float, tuple[Mlp, Mlp] | None]:
    """The path, the match, the distance left, and the two ends of the last straight line where there is one."""
    found = match(a, b)
    last, goal = end_of(a, found, spares), with_spares(b, spares=spares)
    distance = float(np.linalg.norm(last.flat() - goal.flat()) / (np.linalg.norm(goal.flat()) or 1.0))
    if distance > SAME:
        wide = expansion_path(a, b, spares=spares)
        if wide is not None and wide.distance <= SAME:
            return wide, wide.match, wide.distance, None
    return symmetry_path(a, found.orders, found.factors, spares=spares), found, distance, (last, goal)


def between(a: Mlp, b: Mlp, share: float) -> Mlp:
    """The network at a share of the straight line from a to b: (1 - share) a + share b.

    >>> from theodolite.landscape import mlp
    >>> one, other = (mlp([[[w]], [[1.0]]]) for w in (1.0, 3.0))
    >>> between(one, other, 0.25).weights[0].item()
    1.5
    """
    if share == 1:
        return b
    weights = tuple((1 - share) * v + share * w for v, w in zip(a.weights, b.weights))
    biases = tuple(None if v is None or w is None else (1 - share) * v + share * w for v, w in zip(a.biases, b.biases))
    return replace(a, weights=weights, biases=biases)
