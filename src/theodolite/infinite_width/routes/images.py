"""The fast route for images and sequences: one family of pairs of positions after another. The host only."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from theodolite.architectures import Node
from theodolite.infinite_width.routes.reading import as_places, mixes_positions
from theodolite.kernels import Pairs
from theodolite.numerics.memory import require
from theodolite.numerics.threads import side_by_side, workers

FEWEST = 3_000_000  # steps of pairs of positions below which loading compiled code costs more than it brings
STEPS = 100  # more than most networks have
CACHED = 2048  # numbers of a layer that are worked on at once, where the positions leave the choice
LANES = (8, 64)  # the least and the most images beside one
CHUNK_BYTES = 128e6  # of point data held at a time
TABLE_BYTES = 200  # for each pair of positions along one axis, while families are made
PIECES = 64  # given to the threads

Outputs = tuple[np.ndarray | None, np.ndarray | None]


def fill(net: Node, pairs: Pairs, rates: Sequence[float] | None, nngp: bool, ntk: bool) -> Outputs | None:
    """(NNGP, NTK), each (n, m) where wanted, else None; None in all when this route does not hold.

    The values agree with the plain route to round-off, those of a point with itself included.
    Raises: NoInfiniteWidthLimit, ShapeMismatch, TooLarge.
    """
    n, m = pairs.shape
    plan = _plan(net, pairs.X, rates, n * (n + 1) // 2 if pairs.symmetric else n * m)
    if plan is None:
        return None
    from theodolite.infinite_width.routes.image_tiles import pair_rows

    wanted = (nngp, ntk)
    matrices = [np.empty((n, m) if want else (0, 0)) for want in wanted]
    images, others = _images(net, pairs.X), _images(net, pairs.Z)
    lanes = min(max(min(CACHED // plan.pairs, LANES[1]), LANES[0]), m)
    step = _chunk(plan, max(n, m), lanes)
    for j in range(0, m, step):
        columns = _points(plan, others[j : j + step], ntk, False)
        right = _blocks(columns[0], lanes)
        for i in range(j if pairs.symmetric else 0, n, step):
            left = columns if pairs.symmetric and i == j else _points(plan, images[i : i + step], ntk, False)

            def rows(part: tuple[int, int], left: Any = left, right: Any = right, corner: Any = (i, j)) -> None:
                pair_rows(
                    part, corner, plan.tables, plan.channels, plan.pairs, plan.depth, lanes, left[0], right, left[1],
                    pairs.symmetric, ntk, wanted, *matrices,
                )  # fmt: skip

            side_by_side(rows, _parts(i, min(i + step, n)))
    found = [matrix.astype(pairs.X.dtype, copy=False) if want else None for matrix, want in zip(matrices, wanted)]
    return found[0], found[1]


def points(net: Node, X: np.ndarray, rates: Sequence[float] | None, ntk: bool) -> Outputs | None:
    """(NNGP, NTK or None) of each point with itself, (n,) each; None in all when this route does not hold."""
    plan = _plan(net, X, rates, len(X))
    if plan is None:
        return None
    images, step = _images(net, X), _chunk(plan, len(X), 1)
    states = [_points(plan, images[i : i + step], ntk, True)[2] for i in range(0, len(X), step)]
    own = np.concatenate(states)[:, :, 0].astype(X.dtype, copy=False)
    return own[:, 0], own[:, 1] if ntk else None


def _plan(net: Node, X: np.ndarray, rates: Sequence[float] | None, pairs: int) -> Any:
    """The plan, where there is one and enough to be done."""
    shape = tuple(as_places(net, X[:1]).shape[1:])
    if len(shape) == 1 or STEPS * pairs * math.prod(shape[:-1]) ** 2 < FEWEST:
        return None
    if mixes_positions(net):
        needed = TABLE_BYTES * max(shape[:-1]) ** 2
        require(needed, None, f"the table of all pairs of positions {shape[:-1]}", "use fewer positions, or a Flatten")
    from theodolite.infinite_width.routes.image_tables import image_plan  # loads the compiler: only when it is needed

    plan = image_plan(net, shape, None if rates is None else tuple(rates))
    return None if plan is None or pairs * plan.work < FEWEST else plan


def _images(net: Node, X: np.ndarray) -> np.ndarray:
    return np.asarray(as_places(net, X), dtype=np.float64)


def _points(plan: Any, images: np.ndarray, ntk: bool, whole: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The data of single images; see `image_points`."""
    from theodolite.infinite_width.routes.image_points import point_data
    from theodolite.infinite_width.routes.image_tiles import own_states

    def states(number: int, data: np.ndarray, exact: np.ndarray, before: np.ndarray) -> np.ndarray:
        after = np.empty((len(data), 2, int(plan.tables.states[number + 1].prod())))

        def work(part: tuple[int, int]) -> None:
            own_states(
                part, number, plan.tables, plan.channels, plan.pairs, plan.depth, data, exact, ntk,
                before, after,
            )  # fmt: skip

        side_by_side(work, _parts(0, len(data)))
        return after

    return point_data(plan, images, states, whole)


def _blocks(data: np.ndarray, lanes: int) -> np.ndarray:
    """Blocks (numbers, lanes) of the data (n, numbers), one after the other."""
    return np.concatenate([data[j : j + lanes].T.reshape(-1) for j in range(0, len(data), lanes)])


def _parts(start: int, stop: int) -> list[tuple[int, int]]:
    """Pieces of the rows for the threads, the last rows, which may be the longest, first."""
    step = max((stop - start) // PIECES, 1)
    return [(i, min(i + step, stop)) for i in range(start, stop, step)][::-1]


def _chunk(plan: Any, points: int, lanes: int) -> int:
    """How many images have their data held at a time."""
    state = 2 * int(plan.tables.states[1:].prod(axis=1).max())
    own = 8 * (2 * plan.rows + plan.exact + 2 * state)
    step = min(max(int(CHUNK_BYTES / own) // lanes * lanes, lanes), points)
    scratch = 8 * lanes * ((10 + 2 * plan.depth) * plan.pairs + plan.rows + 2 * state)
    needed = 2 * step * own + workers() * scratch
    require(needed, None, f"the moments of {step} images", "use fewer positions, or a pooling closer to the input")
    return step
