"""Points on a circle in the plane, on which kernels and functions can be drawn over an angle."""

import numpy as np


def on_circle(angles: np.ndarray) -> np.ndarray:
    """Unit vectors (n, 2) at angles (n,) in radian.

    >>> on_circle(np.array([0.0])).tolist()
    [[1.0, 0.0]]
    """
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)
