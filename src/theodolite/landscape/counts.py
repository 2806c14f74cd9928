"""How many critical subspaces and pieces of the zero-loss set the permutations of neurons make: exact integers.

Everything is a Python integer or a Fraction: these numbers leave the exact range of a double at width 17.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from theodolite.numerics.errors import BadInput, ShapeMismatch

Widths = int | Sequence[int]


def count_saddles(r: Widths, m: Widths) -> int:
    """Critical subspaces of width m that one irreducible critical point of width r makes, with its permutations: G.

    G(r, m) = sum_{i=1}^{r} (-1)^{r-i} binom(r, i) i^m = r! S_2(m, r), the number of surjections of m things on r

    Every neuron of the wide network copies one of the narrow one, and none of those is left out. For several hidden
    layers the counts multiply.

    Args: r, the width of the irreducible point, 1 <= r; m >= r, the wide one; for several hidden layers a sequence of
        widths each. Raises: BadInput when r > m, ShapeMismatch for sequences of unequal length.
    Source: Simsek et al. (2021), arXiv:2105.12221, the number G of affine subspaces.
    Cost: O(r) multiplications of integers of about m log2(r) bits.

    >>> count_saddles(2, 4), count_saddles(4, 12), count_saddles([2, 3], [3, 3])
    (14, 14676024, 36)
    """
    return math.prod(_surjections(low, high) for low, high in _pairs(r, m))


def count_minima(r: Widths, m: Widths) -> int:
    """Affine pieces of the zero-loss set of width m that one irreducible minimum of width r makes: T.

    T(r, m) = sum_{j=0}^{m-r} G(r + j, m) / j!

    Each neuron copies one of the r, or belongs to one of j groups that share an incoming vector and whose outgoing
    weights add up to nothing. For several hidden layers the product is a lower bound: neurons that feed such a group
    only are free, which gives more pieces.

    Args and raises as in `count_saddles`; r is the smallest width that reaches zero loss.
    Source: Simsek et al. (2021), arXiv:2105.12221, the number T of affine subspaces.
    Cost: O((m - r) m) multiplications of integers.

    >>> count_minima(2, 3), count_minima(4, 4), count_minima(4, 12)
    (12, 24, 1527384144)
    """
    return math.prod(_pieces(low, high) for low, high in _pairs(r, m))


def count_minima_odd(r: Widths, m: Widths) -> int:
    """The pieces of `count_minima` for an odd activation without bias, such as tanh.

    T_odd(r, m) = sum_{z=0}^{m-r} binom(m, z) sum_{j=0}^{m-z-r} 2^{m-z-j} G(r + j, m - z) / j!

    A copy may carry both signs turned round, and z neurons may have incoming weights zero and any outgoing ones.

    Args and raises as in `count_saddles`.
    Source: derived for this package from the count of Simsek et al. (2021), arXiv:2105.12221; checked by enumeration.

    >>> count_minima_odd(1, 2), count_minima_odd(2, 3)
    (12, 96)
    """
    return math.prod(_odd_pieces(low, high) for low, high in _pairs(r, m))


def saddle_ratio(r: Widths, m: Widths, points: Sequence[int] | None = None) -> Fraction:
    """Critical subspaces over pieces of the zero-loss set at width m, where r is the smallest width of zero loss: R.

    R(r, m) = sum_{q=1}^{r-1} N_q G(q, m) / T(r, m);  for several hidden layers the product over them

    Args: r, m as in `count_saddles`; points, for one hidden layer: the number N_q of irreducible critical points of
        each width q = 1 .. r - 1, one each unless given. Counts are not volumes of basins. Several layers count the
        critical points that are narrower in each of them, against at least as many pieces as `count_minima` says.
    Returns: an exact Fraction. Raises: BadInput when r > m or `points` come for several layers, ShapeMismatch for a
        wrong number of `points`.
    Source: Simsek et al. (2021), arXiv:2105.12221.

    >>> float(saddle_ratio(4, 4)), float(saddle_ratio(4, 8)) < 0.022, saddle_ratio([4, 4], [8, 8]) < 0.0005
    (2.125, True, True)
    """
    layers = _pairs(r, m)
    if len(layers) > 1:
        if points is not None:
            raise BadInput(f"points are taken for one hidden layer, and r has {len(layers)}; leave them out")
        return math.prod((saddle_ratio(low, high) for low, high in layers), start=Fraction(1))
    ((r, m),) = layers
    numbers = [1] * (r - 1) if points is None else list(points)
    if len(numbers) != r - 1:
        raise ShapeMismatch(f"points holds {len(numbers)} numbers; expected one for each width 1 to {r - 1}")
    return Fraction(sum(n * _surjections(q, m) for q, n in zip(range(1, r), numbers)), _pieces(r, m))


def mild_ratio(k: int, h: int, m: int) -> Fraction:
    """What G(r - k, m) / T(r, m) tends to when m = r + h grows at fixed k and h: it grows without bound.

    h! / (h + k)! (m / 2)^k

    Args: k >= 1, by how much the critical point is narrower than the minimum; h >= 0, the extra neurons; m, the width.
    Source: Simsek et al. (2021), arXiv:2105.12221, the mildly overparameterised regime; constants derived here.

    >>> r = 80
    >>> round(float(Fraction(count_saddles(r - 1, r), count_minima(r, r)) / mild_ratio(1, 0, r)), 3)
    0.988
    """
    if k < 1 or h < 0 or m < h + k:
        raise BadInput(f"expected k >= 1, h >= 0 and m >= h + k, got k = {k}, h = {h}, m = {m}")
    return Fraction(math.factorial(h), math.factorial(h + k)) * Fraction(m, 2) ** k


def first_width_of_more_minima(r: int) -> int:
    """The smallest width m at which `saddle_ratio(r, m)` is below 1: about 1.4 r.

    Source: Simsek et al. (2021), arXiv:2105.12221, where minima outnumber saddles.

    >>> [first_width_of_more_minima(r) for r in (4, 8, 16)]
    [5, 11, 22]
    """
    m = r
    while saddle_ratio(r, m) >= 1:
        m += 1
    return m


def _pairs(r: Any, m: Any) -> list[tuple[int, int]]:
    narrow, wide = (list(one) if isinstance(one, Sequence) else [one] for one in (r, m))
    if len(narrow) != len(wide):
        raise ShapeMismatch(f"r has {len(narrow)} layers and m has {len(wide)}; expected as many")
    for low, high in zip(narrow, wide):
        for name, value in (("r", low), ("m", high)):
            if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
                raise BadInput(f"{name} must be a whole number of neurons, at least 1, got {value!r}")
        if low > high:
            raise BadInput(
                f"r = {low} is more than m = {high}: a network of {high} neurons cannot hold {low} different ones; "
                "the wide network comes second"
            )
    return [(int(low), int(high)) for low, high in zip(narrow, wide)]


def _surjections(r: int, m: int) -> int:
    return sum((-1) ** (r - i) * math.comb(r, i) * i**m for i in range(1, r + 1))


def _pieces(r: int, m: int) -> int:
    return sum(_surjections(r + j, m) // math.factorial(j) for j in range(m - r + 1))


def _odd_pieces(r: int, m: int) -> int:
    return sum(
        math.comb(m, z) * 2 ** (m - z - j) * (_surjections(r + j, m - z) // math.factorial(j))
        for z in range(m - r + 1)
        for j in range(m - z - r + 1)
    )
