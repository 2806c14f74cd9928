"""The one scalar equation behind the signal capture threshold and the effective ridge.

    z = ridge + (z / samples) sum_k m_k d_k / (d_k + z)                                              (*)

With d_k the eigenvalues of the kernel's integral operator and `samples` the number of data, z is the signal capture
threshold; with d_k the eigenvalues of a Gram matrix and `samples` the number of random features, it is the effective
ridge. Sources: Jacot et al. (2020), arXiv:2006.09796 (threshold) and arXiv:2002.08404 (effective ridge).
"""

from typing import Any

import numpy as np

from theodolite.numerics.checks import finite
from theodolite.numerics.errors import BadInput, DidNotConverge, ShapeMismatch

_MAX_STEPS = 200  # at most 21 were ever needed


def solve(ridge: float, eigenvalues: Any, samples: float, *, multiplicities: Any = None, tail: float = 0.0) -> float:
    """The largest root z >= ridge of (*), by Newton's method from the right: monotone, for (*) is convex there.

    Args: ridge >= 0; eigenvalues d_k >= 0, shape (r,); samples >= 1; multiplicities m_k, shape (r,), by default 1;
        tail = sum m_k d_k of the eigenvalues left out, which must all be far below z.
    Returns: z in the unit of the ridge; 0 when ridge = 0 and there are at most `samples` positive eigenvalues.
    Raises: BadInput for negative numbers, DidNotConverge never in practice.
    Cost: O(r) a step, 4 or 5 steps.

    >>> flat = solve(0.5, [1.0, 1.0, 1.0], 6)           # R equal eigenvalues have a closed form
    >>> b = 0.5 + 3 / 6 - 1
    >>> abs(flat - (b + (b * b + 4 * 0.5) ** 0.5) / 2) < 1e-15
    True
    """
    d, m = _spectrum(eigenvalues, multiplicities)
    if not (0 <= ridge < np.inf and 0 <= tail < np.inf):
        raise BadInput(f"ridge and tail must be zero or positive, got ridge = {ridge}, tail = {tail}")
    _check_samples(samples)
    start = ridge + tail / samples
    count = m.sum()
    if start == 0 and count <= samples:
        return 0.0
    z = start + float(m @ d) / samples
    if count < samples and start > 0:
        z = min(z, start * samples / (samples - count))
    for _ in range(_MAX_STEPS):
        unused, rest = _unused(z, d, m, samples)
        following = z - (z * unused - start) / rest
        if following <= 0:
            following = z / 2
        if following >= z * (1 - 1e-15):
            return float(min(z, following))
        z = following
    raise DidNotConverge(f"the threshold equation did not settle in {_MAX_STEPS} steps: ridge = {ridge}, z = {z}")


def slope(z: float, eigenvalues: Any, samples: float, *, multiplicities: Any = None) -> float:
    """dz/d(ridge) = 1 / (1 - sum_k m_k (d_k / (d_k + z))^2 / samples), between 1 and z / ridge.

    Infinite at z = 0 when there are `samples` positive eigenvalues.

    >>> round(slope(1.57935948104, [1 / k for k in range(1, 21)], 5), 9)
    1.067478188
    """
    d, m = _spectrum(eigenvalues, multiplicities)
    rest = _unused(_check_root(z), d, m, _check_samples(samples))[1]
    return float(1.0 / rest) if rest > 0 else float("inf")


def inverse(z: float, eigenvalues: Any, samples: float, *, multiplicities: Any = None) -> float:
    """The ridge whose solution is z: ridge = z (1 - df(z) / samples). Negative when z is out of reach.

    >>> round(inverse(0.1, [1 / k for k in range(1, 21)], 20), 12)
    0.046699056152
    """
    d, m = _spectrum(eigenvalues, multiplicities)
    return float(z * _unused(_check_root(z), d, m, _check_samples(samples))[0])


def degrees_of_freedom(z: float, eigenvalues: Any, *, multiplicities: Any = None) -> float:
    """df(z) = sum_k m_k d_k / (d_k + z).

    >>> round(degrees_of_freedom(0.1, [1 / k for k in range(1, 21)]), 10)
    10.6601887695
    """
    d, m = _spectrum(eigenvalues, multiplicities)
    return float(m @ (d / (d + _check_root(z))))


def _unused(z: float, d: np.ndarray, m: np.ndarray, samples: float) -> tuple[float, float]:
    """(1 - sum m s / samples, 1 - sum m s^2 / samples) with s = d / (d + z), in the form that cancels least."""
    count = float(m.sum())
    if count <= samples:  # s may be close to 1 for all
        q = z / (z + d)
        first, second = samples - count + float(m @ q), samples - count + float(m @ (q * (2.0 - q)))
        return first / samples, second / samples
    s = d / (d + z)
    return 1.0 - float(m @ s) / samples, 1.0 - float(m @ (s * s)) / samples


def _check_root(z: float) -> float:
    if not 0 <= z < np.inf:
        raise BadInput(f"z must be zero or positive, got {z}")
    return z


def _check_samples(samples: float) -> float:
    if not 1 <= samples < np.inf:
        raise BadInput(f"samples must be at least 1, got {samples}")
    return samples


def _spectrum(eigenvalues: Any, multiplicities: Any) -> tuple[np.ndarray, np.ndarray]:
    d = finite(np.atleast_1d(np.asarray(eigenvalues, dtype=np.float64)), "eigenvalues")
    m = (
        np.ones_like(d)
        if multiplicities is None
        else finite(np.asarray(multiplicities, dtype=np.float64), "multiplicities")
    )
    if d.shape != m.shape or d.ndim != 1:
        raise ShapeMismatch(f"eigenvalues {d.shape} and multiplicities {m.shape} must be vectors of one length")
    if (d < 0).any() or (m < 0).any():
        raise BadInput("eigenvalues and multiplicities must be zero or positive")
    return d[d > 0], m[d > 0]
