"""One column of numbers brought to mean 0 and standard deviation 1, with bounds that no later value passes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

FAR = 10.0  # standard deviations beyond which a value is far from the mean
FAR_SHARE = 0.01  # a column is nearly constant when so few rows make up all but BULK_SPREAD^2 of its variance
BULK_SPREAD = 0.1
_EXTREME = 1e100
_ROUND_OFF = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class Scaling:
    """z = ((value * unit - shift) - offset) / scale, held within [low, high].

    `unit` is a power of two, 1 unless the values are so large or small that their squares leave float64; subtracting
    the smallest value (`shift`) before the mean (`offset`) keeps all digits of columns such as time stamps.
    """

    unit: float
    shift: float
    offset: float
    scale: float
    low: float
    high: float
    nearly_constant: bool = False

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Scaled values (n,), always finite for finite input."""
        with np.errstate(over="ignore", under="ignore"):
            z = values * self.unit if self.unit != 1 else values.astype(np.float64)
            z -= self.shift
            z -= self.offset
            z /= self.scale
        return z

    def bounded(self, values: np.ndarray) -> tuple[np.ndarray, int]:
        """Scaled values (n,) within the bounds, and how many had to be moved there."""
        z = self(values)
        slack = 1e-9 * (self.high - self.low)
        if z.min() >= self.low - slack and z.max() <= self.high + slack:
            return z, 0
        outside = int(np.count_nonzero((z < self.low - slack) | (z > self.high + slack)))
        return np.clip(z, self.low, self.high, out=z), outside


def fitted_scaling(values: np.ndarray) -> Scaling | None:
    """The scaling of finite values (n,), or None when they are constant up to round-off.

    The bounds are the range seen in training, widened by its own width on either side: further out, the training data
    say nothing, and one wild entry would cut a row off from all others. A column is nearly constant when values lie
    further than 10 standard deviations out and all but 1 % of its rows spread less than a tenth of a standard
    deviation; then its values are held within 10 standard deviations, in training too.
    """
    smallest, largest = float(values.min()), float(values.max())
    size = max(abs(smallest), abs(largest))
    # halves, because the range of numbers near the end of float64 overflows
    if largest / 2 - smallest / 2 <= _ROUND_OFF * size / 2:
        return None
    unit = 1.0
    if not 1 / _EXTREME < size < _EXTREME:
        unit = 2.0 ** -int(np.clip(np.frexp(size)[1], -1000, 1000))
    centred = values * unit
    shift = smallest * unit
    centred -= shift
    offset = float(centred.mean())
    centred -= offset
    scale = float(np.sqrt(np.mean(centred * centred)))
    centred /= scale
    low, high = float(centred.min()), float(centred.max())
    if max(-low, high) > FAR and _bulk_spread(centred) < BULK_SPREAD:
        return Scaling(unit, shift, offset, scale, -FAR, FAR, nearly_constant=True)
    width = high - low
    return Scaling(unit, shift, offset, scale, low - width, high + width)


def scaling_from_json(document: dict[str, Any] | None) -> Scaling | None:
    """The inverse of `dataclasses.asdict`."""
    return None if document is None else Scaling(**document)


def _bulk_spread(z: np.ndarray) -> float:
    low, high = np.quantile(z, [FAR_SHARE / 2, 1 - FAR_SHARE / 2])
    bulk = z[(z >= low) & (z <= high)]
    return float(bulk.std())
