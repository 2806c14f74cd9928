"""What the chosen kernel says about the problem: its learning curve and what it captures of the target."""

from typing import Any

import numpy as np

from theodolite.kernel_regression import LearningCurve, RidgePath, learning_curve

PATH_ROWS = 2000  # an eigendecomposition of more rows is not worth a picture
SHOWN = 400  # eigenfunctions

SIZES = 2.0 ** (np.arange(-9, 10) / 3)  # from an eighth to eight times the rows


def forecast(path: RidgePath, rows: int, risk: float) -> LearningCurve:
    """The learning curve around `rows`, read off a path at `path.rows` and passed through the risk found at `rows`."""
    curve = learning_curve(path, np.maximum(SIZES * rows, 2.0))
    lift = risk / curve.risk[SIZES == 1.0][0]
    return LearningCurve(curve.sizes, curve.risk * lift, curve.low * lift, curve.high * lift, curve.ridge, rows)


def curve_json(curve: LearningCurve) -> dict[str, Any]:
    """The learning curve as plain numbers."""
    return {
        "sizes": curve.sizes.round().astype(int).tolist(),
        "risk": curve.risk.tolist(),
        "low": curve.low.tolist(),
        "high": curve.high.tolist(),
        "rows": curve.rows,
    }


def signal_capture(path: RidgePath, ridge: float) -> dict[str, Any]:
    """Eigenvalues, the share of each eigenfunction that is learned, and the share of the target's variance along it."""
    energy = np.sum(path.coefficients**2, axis=1)
    return {
        "eigenvalues": path.eigenvalues[:SHOWN].tolist(),
        "captured": path.captured(ridge)[:SHOWN].tolist(),
        "energy": (energy / energy.sum())[:SHOWN].tolist(),
        "threshold": path.signal_capture_threshold(ridge),
        "rows": path.rows,
    }
