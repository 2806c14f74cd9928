"""How to spend a budget: how many networks of which width, from errors that were measured, and whether that is sure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics.ensembles import Ensemble

Unit = Literal["parameters", "operations"]
SIGMAS = 2.0  # combined standard errors that tell two options apart


@dataclass(frozen=True)
class Option:
    """`members` networks of one width, averaged: their cost together, the test error and its standard error."""

    width: int
    members: int
    cost: float
    error: float
    standard_error: float

    def __str__(self) -> str:
        return f"{self.members} of width {self.width}"


@dataclass(frozen=True)
class Allocation:
    """The affordable option of the lowest measured error, the others it cannot be told from, and whether there are any.

    Attributes: best; rivals, affordable options within 2 combined standard errors, cheapest first; decided, no rival;
    words, the same in a sentence.
    """

    best: Option
    rivals: tuple[Option, ...]
    decided: bool
    words: str


def ensemble_error(outputs: np.ndarray, labels: np.ndarray, size: int) -> tuple[float, float]:
    """Share of points where the sign of the mean of `size` members is wrong, and its standard error over initial
    weights.

    The mean over the sets of `size` neighbours on the ring of n members; the error comes from leaving out each member.
    It does not count the choice of training and test points, which all members share.

    Args: outputs (n, m); labels (m,), in {-1, 1}; size, from 1 to n - 1.
    Returns: (error, standard error). An output of exactly zero is wrong. Raises: ShapeMismatch, BadInput.
    Source: Geiger et al. (2019), arXiv:1901.01608, the ensemble average; Efron and Stein (1981) for its error.
    Cost: O(n^2 m) operations.

    >>> outputs = np.array([[1.0, -0.4], [1.0, 1.0], [1.0, 1.0], [1.0, -0.4]])
    >>> ensemble_error(outputs, np.array([1.0, 1.0]), 1)[0], ensemble_error(outputs, np.array([1.0, 1.0]), 3)[0]
    (0.25, 0.0)
    """
    f, labels = np.asarray(outputs, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    size = positive_integer(size, "size")
    if f.ndim != 2 or labels.shape != f.shape[1:]:
        raise ShapeMismatch(f"outputs have shape {f.shape} and labels {labels.shape}; expected (n, m) and (m,)")
    n = len(f)
    if size >= n:
        raise BadInput(f"an error bar for ensembles of {size} needs at least {size + 1} members, got {n}")
    without = np.array([_ring(np.delete(f, i, axis=0), labels, size) for i in range(n)])
    return _ring(f, labels, size), float(np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2)))


def options(
    ensembles: Sequence[Ensemble],
    labels: np.ndarray,
    *,
    sizes: Sequence[int] = (1, 2, 4, 8),
    unit: Unit = "parameters",
    n: int | None = None,
) -> tuple[Option, ...]:
    """Every number of networks of every width, with what it costs and the error that was measured.

    Args: ensembles; labels (m,) of their test points; sizes, members averaged, those with an error bar (fewer than the
        ensemble has) are kept; unit, "parameters" (n N, the paper's, what prediction costs too), or "operations" of
        training (6 n N times n times mean steps taken); n, points trained on, for "operations".
    Raises: BadInput. Cost: that of `ensemble_error`.
    Source: Geiger et al. (2019), arXiv:1901.01608, the comparison at equal cost.

    >>> outputs = np.array([[1.0, -0.4], [1.0, 1.0], [1.0, 1.0], [1.0, -0.4]])
    >>> one = Ensemble(10, 31, outputs, np.zeros(4), np.ones(4))
    >>> [(option.members, option.cost) for option in options([one], np.ones(2), sizes=(1, 2))]
    [(1, 31.0), (2, 62.0)]
    """
    if unit not in ("parameters", "operations"):
        raise BadInput(f"unit must be 'parameters' or 'operations', got {unit!r}")
    if unit == "operations" and n is None:
        raise BadInput("to count operations, give n, the number of training points")
    found = []
    for one in ensembles:
        each = one.parameters * (1.0 if n is None or unit == "parameters" else 6.0 * n * np.mean(one.steps))
        for size in sizes:
            if size < len(one.outputs):
                error, bar = ensemble_error(one.outputs, labels, size)
                found.append(Option(one.width, size, float(size * each), error, bar))
    return tuple(found)


def allocate(budget: float, measured: Sequence[Option]) -> Allocation:
    """The best use of a budget among options that were measured.

    Args: budget > 0, in the unit of the costs; measured, as `options` returns them, or made by hand.
    Returns: an Allocation; not `decided` where another affordable option is within 2 combined standard errors: then
        the cheapest rival is as good a choice as the best. The best of many noisy errors is too good by chance.
    Raises: BadInput when the budget affords nothing.
    Source: Geiger et al. (2019), arXiv:1901.01608, the last figure: several networks just past N*.

    >>> few, one = Option(10, 8, 2480.0, 0.116, 0.004), Option(64, 1, 8896.0, 0.161, 0.003)
    >>> print(allocate(10_000, [few, one]).words)
    8 of width 10, error 0.116 +- 0.004, told apart from every other affordable option
    """
    budget = positive(budget, "budget")
    affordable = [option for option in measured if option.cost <= budget]
    if not affordable:
        least = min((option.cost for option in measured), default=float("nan"))
        raise BadInput(
            f"a budget of {budget:g} affords none of the {len(measured)} options; the cheapest costs {least:g}"
        )
    best = min(affordable, key=lambda option: (option.error, option.cost))
    rivals = tuple(sorted((one for one in affordable if one is not best and not _apart(best, one)), key=_cost))
    lead = f"{best}, error {best.error:.3f} +- {best.standard_error:.3f}, "
    if not rivals:
        return Allocation(best, rivals, True, f"{lead}told apart from every other affordable option")
    cheapest = min((best, *rivals), key=_cost)
    words = f"{lead}not told apart from {len(rivals)} others; the cheapest of them all is {cheapest}"
    return Allocation(best, rivals, False, words)


def _cost(option: Option) -> float:
    return option.cost


def _apart(best: Option, other: Option) -> bool:
    return other.error - best.error > SIGMAS * np.hypot(best.standard_error, other.standard_error)


def _ring(f: np.ndarray, labels: np.ndarray, size: int) -> float:
    sums = sum((np.roll(f, -j, axis=0) for j in range(1, size)), start=f)
    return float(np.mean(sums * labels <= 0))
