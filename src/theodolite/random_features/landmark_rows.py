"""K(x, Z) for many rows and fixed landmarks: the inner loop of a pass, with as few walks through memory as it takes."""

import numpy as np

from theodolite.kernels import RBF, Kernel, gram

STRIP = 128  # rows at a time; with 2048 landmarks a strip stays in the second cache
MOST_EXPONENT = 1e4  # of |x|^2 / lengthscale, beyond which the expanded square has lost four digits


def landmark_rows(kernel: Kernel, X: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """K(X, Z), (n, m), for rows X (n, d) and landmarks Z (m, d), finite float64.

    For the RBF kernel the exponent (2 x.z - |x|^2 - |z|^2) / lengthscale is itself one product of rows with two more
    columns, around the mean of the landmarks; every other kernel is evaluated as always.

    >>> X = np.random.default_rng(0).standard_normal((5, 3))
    >>> bool(np.allclose(landmark_rows(RBF(2.0), X, X[:2]), RBF(2.0)(X, X[:2]), rtol=1e-13))
    True
    """
    if not isinstance(kernel, RBF) or X.ndim != 2:
        return np.asarray(gram(kernel, X, landmarks, block=STRIP))
    middle = landmarks.mean(axis=0)
    x, z = X - middle, landmarks - middle
    left, right = (np.einsum("ij,ij->i", one, one) / kernel.lengthscale for one in (x, z))
    if max(left.max(initial=0.0), right.max(initial=0.0)) > MOST_EXPONENT:
        return np.asarray(gram(kernel, X, landmarks, block=STRIP))
    rows = np.concatenate([x * (2.0 / kernel.lengthscale), -left[:, None], np.ones((len(x), 1))], axis=1)
    columns = np.concatenate([z, np.ones((len(z), 1)), -right[:, None]], axis=1).T.copy()
    values = np.empty((len(x), len(z)))
    for start in range(0, len(x), STRIP):
        strip = values[start : start + STRIP]
        np.dot(rows[start : start + STRIP], columns, out=strip)
        np.minimum(strip, 0.0, out=strip)  # round-off must not lift a kernel above 1
        np.exp(strip, out=strip)
    return values
