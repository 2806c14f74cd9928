"""A path between two networks along which the loss is followed, with a certificate of how far the function strays."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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

    Attributes: path, of exact symmetries, from the first network to the nearest permutation of it to the second one;
    match; deviation, the certificate: the largest |f - f_start| along that path over the largest |f_start|, on a grid;
    distance, of the end of that path to the second network over the norm of the latter: round-off when the networks are
    permutations of each other; residual, the largest |f - f_start| on the last straight segment, which covers that
    distance, over the largest |f_start|; position (k,) and loss (k,) along path and last segment, position counted in
    segments; straight_position in [0, 1] and straight_loss along the straight line between the two.
    """

    path: SymmetryPath
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
        """Whether the networks are one up to symmetry: at most 1e-5 of the norm is left, as in float32 files."""
        return self.distance <= SAME

    @property
    def way(self) -> np.ndarray:
        """Shares of the way (k,), from 0 to 1, of the points of the path; the last straight line takes its second half
        where the networks are no permutations of each other."""
        if self.permutation or not self.segments:
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
    points: int = 4,
    straight_points: int = 61,
    progress: Progress = silent,
) -> Connection:
    """Match the neurons of two networks and walk from one to the other with one spare neuron a hidden layer.

    Between permutations of one network the path keeps the function, exactly but for round-off, where the straight line
    crosses a barrier. Between different networks it leads to the permutation of the first that is nearest to the
    second, and the last segment is straight: its loss is the barrier that permutation cannot take away.

    Args: a, b, of one architecture; X (n, inputs), on which functions are compared; loss, from outputs (n, o) to a
        number, the mean squared difference from the outputs of `a` unless given; points on each segment, its end
        included; straight_points of the line and of the last segment; progress.
    Returns: a Connection. Raises: ShapeMismatch for different shapes, biases or activations, NotFinite.
    Source: Simsek et al. (2021), arXiv:2105.12221, connectivity theorem; matching as in Ainsworth et al. (2022).
    Cost: points x segments forward passes; about 2 (width + cycles) segments a hidden layer.

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
    found = match(a, b)
    path = symmetry_path(a, found.orders, found.factors)
    total = path.segments + 1
    position, losses, deviation = [0.0], [measure(start)], 0.0
    for done, (first, second) in enumerate(_segments(path)):
        progress(done, total, f"segment {done + 1} of {path.segments}")
        for share in np.arange(1, positive_integer(points, "points") + 1) / points:
            outputs = between(first, second, share)(inputs)
            deviation = max(deviation, float(np.abs(outputs - start).max()) / size)
            position.append(done + float(share))
            losses.append(measure(outputs))
    last, goal = end_of(a, found), with_spares(b)
    distance = float(np.linalg.norm(last.flat() - goal.flat()) / (np.linalg.norm(goal.flat()) or 1.0))
    residual = 0.0
    for share in np.linspace(0.0, 1.0, straight_points)[1:]:
        outputs = between(last, goal, share)(inputs)
        residual = max(residual, float(np.abs(outputs - start).max()) / size)
        position.append(path.segments + float(share))
        losses.append(measure(outputs))
    shares = np.linspace(0.0, 1.0, straight_points)
    straight = np.array([measure(between(a, b, share)(inputs)) for share in shares])
    progress(total, total, "done")
    return Connection(
        path, found, deviation, distance, residual, np.array(position), np.array(losses), shares, straight
    )


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


def _segments(path: SymmetryPath) -> Iterator[tuple[Mlp, Mlp]]:
    before: Mlp | None = None
    for vertex in path.vertices():
        if before is not None:
            yield before, vertex
        before = vertex
