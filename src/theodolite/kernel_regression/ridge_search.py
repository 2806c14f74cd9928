"""The best ridge of a large Gram matrix from two or three Cholesky factors instead of an eigendecomposition.

A quarter of the rows is cheap (1/64 of the work). Its ridge path, carried to the full size by the learning-curve
theory, says where the best ridge should be and how the risk bends around it. At that ridge one Cholesky factor gives
every criterion of all rows exactly, and the derivative of KARE and leave-one-out with respect to the ridge. Value and
derivative correct the forecast; where the corrected forecast has its minimum elsewhere, one more factor is taken there.
"""

from functools import cached_property
from typing import Any

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from theodolite.kernel_regression.cholesky import CholeskyFactor, Measured
from theodolite.kernel_regression.criteria import Criteria
from theodolite.kernel_regression.learning_curve import threshold_table
from theodolite.kernel_regression.resolvent import Resolvents
from theodolite.kernel_regression.ridge_path import RidgePath
from theodolite.numerics import memory
from theodolite.numerics.checks import symmetric_gram, target_columns

SHARE = 4  # one row in four makes the forecast
FEWEST = 200  # rows of the forecast, when there are as many
NEAR = 0.35  # |log ridge| within which a factor is taken as being at the minimum
GAIN = 0.003  # relative improvement of the risk that is worth one more factor
REACH = 1.5  # |log ridge| up to which a slope may be carried away from its factor
MAX_FACTORS = 5


class RidgeSearch(Criteria):
    """The best ridge and every criterion there, for Gram matrices too large for a `RidgePath`.

    The criteria are exact at any ridge, at the price of one Cholesky factor (2/3 n^3 operations) for each new ridge;
    `participation`, `threshold_slope` and `standard_error` carry a probe error of about one per cent.
    Args and raises as RidgePath. Memory: 2.3 n^2 numbers.

    >>> import numpy as np
    >>> from theodolite.kernels import Laplace
    >>> random = np.random.default_rng(0)
    >>> x = random.uniform(0, 3, (200, 1))
    >>> y = np.sin(3 * x[:, 0]) + 0.3 * random.standard_normal(200)
    >>> search, path = RidgeSearch(Laplace(1.0)(x), y), RidgePath(Laplace(1.0)(x), y)
    >>> search.risk(search.best_ridge()) < 1.01 * path.risk(path.best_ridge())
    True
    """

    def __init__(self, gram: Any, targets: Any, *, groups: Any = None, memory_limit: int | str | None = None) -> None:
        self.precision = float(np.finfo(np.result_type(np.asarray(gram).dtype, np.float32)).eps)
        n = len(gram)
        memory.require(
            int(2.3 * 8 * n * n),
            memory_limit,
            f"the Cholesky factor of a {n} x {n} Gram matrix",
            "use fewer rows or a larger memory_limit",
        )
        self.gram = symmetric_gram(gram)
        self.mean_diagonal = float(self.gram.diagonal().mean()) or 1.0
        super().__init__(target_columns(targets, n), groups)
        self._labels = None if groups is None else np.asarray(groups).astype(str)
        self._group_residuals_known: dict[float, np.ndarray] = {}
        self._known: dict[float, Measured] = {}
        self._factor: CholeskyFactor | None = None  # the latest

    @property
    def visited(self) -> np.ndarray:
        """Ridges at which a factor was taken, ascending."""
        return np.array(sorted(self._known))

    @cached_property
    def sample_path(self) -> RidgePath:
        """The ridge path of a quarter of the rows, whole groups together."""
        wanted = max(self.rows // SHARE, min(self.rows, FEWEST))
        _, member = np.unique(np.arange(self.rows) if self._labels is None else self._labels, return_inverse=True)
        turn = np.random.default_rng(self.rows).permutation(member.max() + 1)[member]  # of each row's group
        last = max(np.sort(turn)[wanted - 1], 1)  # at least two groups
        sample = np.flatnonzero(turn <= last)
        labels = None if self._labels is None else member[sample]
        return RidgePath(self.gram[np.ix_(sample, sample)], self.targets[sample], groups=labels)

    def resolvents(self, ridges: np.ndarray) -> Resolvents:
        parts = [self._measured(float(ridge)).resolvents for ridge in ridges]
        return Resolvents(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})

    def best_ridge(self) -> float:
        """The ridge of lowest risk, within a few tenths of its logarithm; usually two factors."""
        if not self._known:
            x, log_risk = self._model()
            self._measured(float(np.exp(x[log_risk.argmin()])))
        while True:
            x, log_risk = self._model()
            lowest = int(log_risk.argmin())
            best = min(self.visited, key=self.risk)
            near = np.abs(x[lowest] - np.log(self.visited)).min() < NEAR
            if near or np.log(self.risk(best)) - log_risk[lowest] < GAIN or len(self._known) >= MAX_FACTORS:
                return float(best)
            self._measured(float(np.exp(x[lowest])))

    def curve(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(ridges, KARE, left-out error): forecast from a quarter of the rows, corrected by every factor taken."""
        x = self._forecasts[0]
        kare, held_out = self._corrected()
        return np.exp(x), np.exp(kare), np.exp(held_out)

    def _model(self) -> tuple[np.ndarray, np.ndarray]:
        """(log ridge, log of the larger of the two corrected criteria)."""
        return self._forecasts[0], np.maximum(*self._corrected())

    @cached_property
    def _forecasts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Logarithms of ridges, and of the KARE and left-out error that the sample forecasts there for all rows."""
        ridges, kare = threshold_table(self.sample_path, "kare").at_size(self.rows)
        held_out = threshold_table(self.sample_path, self._held_out).at_size(self.rows)[1]
        sound = ridges > self.smallest_sound_ridge
        return np.log(ridges[sound]), np.log(kare[sound]), np.log(held_out[sound])

    @property
    def _held_out(self) -> str:
        return "leave_one_out" if self.groups is None else "leave_one_group_out"

    def _corrected(self) -> tuple[np.ndarray, np.ndarray]:
        """Both forecasts moved onto the values and slopes of the factors taken so far."""
        x, *forecasts = self._forecasts
        if not self._known:
            return forecasts[0], forecasts[1]
        kare, held_out = self.kare(self.visited), getattr(self, self._held_out)(self.visited)
        kare_slopes = np.array([self._measured(float(ridge)).kare_slope() for ridge in self.visited])
        if self.groups is None:
            held_out_slopes = np.array([self._measured(float(ridge)).leave_one_out_slope() for ridge in self.visited])
        else:
            held_out_slopes = np.full(len(self.visited), np.nan)
        return (
            _moved(x, forecasts[0], np.log(self.visited), np.log(kare), self.visited * kare_slopes / kare),
            _moved(x, forecasts[1], np.log(self.visited), np.log(held_out), self.visited * held_out_slopes / held_out),
        )

    @property
    def smallest_sound_ridge(self) -> float:
        return self.sample_path.smallest_sound_ridge  # the largest eigenvalue of G / n hardly depends on n

    def _measured(self, ridge: float) -> Measured:
        if ridge not in self._known:
            self._known[ridge] = self._factor_at(ridge).measure(self.targets)
        return self._known[ridge]

    def _factor_at(self, ridge: float) -> CholeskyFactor:
        if self._factor is None or self._factor.ridge != ridge:
            self._factor = None  # its memory is needed for the next one
            self._factor = CholeskyFactor(self.gram, ridge)
        return self._factor

    def inverse_blocks(self, ridge: float, members: np.ndarray) -> np.ndarray:
        return self._factor_at(ridge).inverse_blocks(members)

    def _group_residuals(self, of: Resolvents, place: int) -> np.ndarray:
        ridge = float(of.ridges[place])
        if ridge not in self._group_residuals_known:  # the factor may be gone later
            self._group_residuals_known[ridge] = super()._group_residuals(of, place)
        return self._group_residuals_known[ridge]


def _moved(
    x: np.ndarray, forecast: np.ndarray, places: np.ndarray, values: np.ndarray, slopes: np.ndarray
) -> np.ndarray:
    """The forecast (l,) at x (l,), moved onto values and slopes known at some places, ascending.

    A NaN slope is unknown and leaves the forecast's own. Between places the correction is the cubic with their values
    and slopes; outside it is linear up to REACH.
    """
    lift = values - np.interp(places, x, forecast)
    tilt = np.nan_to_num(slopes - np.interp(places, x, np.gradient(forecast, x)))
    inside = CubicHermiteSpline(places, lift, tilt)(np.clip(x, places[0], places[-1])) if len(places) > 1 else lift[0]
    left = tilt[0] * np.clip(x - places[0], -REACH, 0.0)
    right = tilt[-1] * np.clip(x - places[-1], 0.0, REACH)
    return forecast + inside + left + right
