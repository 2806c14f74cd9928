"""The best ridge of a large Gram matrix from two or three Cholesky factors instead of an eigendecomposition.

A quarter of the rows is cheap (1/64 of the work). Its ridge path, carried to the full size by the learning-curve
theory, says where the best ridge should be. There one Cholesky factor gives every criterion of all rows, and a
`Continuation` from it shows KARE and the left-out error at the ridges around. Where they have their minimum elsewhere,
the next factor is taken, until a factor confirms what was seen from the one before.

The first factor only looks around. Where the ridge is well above the round-off of single precision it is taken in
single precision, at half the price; what is reported comes from a factor in double precision.
"""

from functools import cached_property
from typing import Any

import numpy as np

from theodolite.kernel_regression.cholesky import CholeskyFactor
from theodolite.kernel_regression.continuation import Continuation, continued_shares, log_odds
from theodolite.kernel_regression.criteria import Criteria
from theodolite.kernel_regression.learning_curve import threshold_table
from theodolite.kernel_regression.resolvent import Resolvents
from theodolite.kernel_regression.ridge_path import HIGHEST, RidgePath, lowest_ridge
from theodolite.numerics import memory
from theodolite.numerics.checks import symmetric_gram, target_columns

SHARE = 4  # one row in four makes the forecast
FEWEST = 200  # rows of the forecast, when there are as many
GAIN = 0.005  # relative improvement of the risk that is worth one more factor ...
IN_ERRORS = 0.1  # ... if it is also this much of the risk's standard error
CONFIRMED = 0.01  # relative difference of a forecast and a factor that agree
REACH = 3.0  # |log ridge| up to which a factor is continued
SPACING = 0.25  # of the log ridges at which a factor is continued
MAX_FACTORS = 5
SINGLE = 25.0 * float(np.finfo(np.float32).eps)  # ridge relative to the largest eigenvalue, for single precision
_TINY = np.finfo(float).tiny


class RidgeSearch(Criteria):
    """The best ridge and every criterion there, for Gram matrices too large for a `RidgePath`.

    The criteria are exact at any ridge, at the price of one Cholesky factor (2/3 n^3 operations) for each new ridge;
    `participation`, `threshold_slope` and `standard_error` carry a probe error of about one per cent.
    Args and raises as RidgePath. Memory: 1.5 n^2 numbers, 2.2 n^2 with groups.

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
            int((1.5 if groups is None else 2.2) * 8 * n * n),
            memory_limit,
            f"the Cholesky factor of a {n} x {n} Gram matrix",
            "use fewer rows or a larger memory_limit",
        )
        self.gram = symmetric_gram(gram)
        self.mean_diagonal = float(self.gram.diagonal().mean()) or 1.0
        super().__init__(target_columns(targets, n), groups)
        self._labels = None if groups is None else np.asarray(groups).astype(str)
        self._group_residuals_known: dict[float, np.ndarray] = {}
        self._known: dict[float, Resolvents] = {}
        self._scouted: dict[float, Resolvents] = {}  # in single precision
        self._continuations: dict[float, Continuation] = {}
        self._best: float | None = None
        self._factor: CholeskyFactor | None = None  # the latest

    @property
    def visited(self) -> np.ndarray:
        """Ridges at which a factor was taken, in single precision or in double, ascending."""
        return np.array(sorted(self._scouted | self._known))

    @property
    def factors(self) -> float:
        """Factors taken so far, one in single precision counted as half."""
        return len(self._known) + 0.5 * len(self._scouted)

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
        parts = [self._measured(float(ridge)) for ridge in ridges]
        return Resolvents(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})

    def best_ridge(self) -> float:
        """The ridge of lowest risk, within GAIN or IN_ERRORS of it; usually one or two factors."""
        if self._best is None:
            self._best = self._search()
        return self._best

    def _search(self) -> float:
        if not self._continuations:
            x, *forecasts = self._forecasts
            first = x[np.maximum(forecasts[0], forecasts[-1]).argmin()]
            self._look_around(float(np.exp(np.clip(first, self._log_ridges[0], self._log_ridges[-1]))))
        while True:
            best = min(self.visited.tolist(), key=lambda ridge: self._risk(self._seen(ridge))[0])
            risk, error = self._risk(self._seen(best))[0], self._risk_error(self._seen(best))[0]
            x, log_risk = self._around(best)
            lowest = int(log_risk.argmin())
            worth = max(GAIN, IN_ERRORS * error / max(risk, _TINY))
            if _log(risk) - log_risk[lowest] < worth or len(self.visited) >= MAX_FACTORS:
                self._measured(best)
                return best
            ridge = float(np.exp(x[lowest]))
            inner = 0 < lowest < len(x) - 1 or x[lowest] == self._log_ridges[0]
            if self._confirms(ridge, log_risk[lowest]) and inner:
                return min(self._known, key=self.risk)
            self._continue(ridge, self._measured(ridge))

    def curve(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(ridges, KARE, left-out error): continued from every factor taken, further away as the sample forecasts."""
        if not self._continuations:
            self.best_ridge()
        whole, kare_there, _, left_out_there = self._forecasts
        x = self._log_ridges
        inside = np.clip(x, np.log(self.visited[0]) - REACH, np.log(self.visited[-1]) + REACH)
        kare, left_out = self._continued(inside)
        kare += np.interp(x, whole, kare_there) - np.interp(inside, whole, kare_there)
        left_out += np.interp(x, whole, left_out_there) - np.interp(inside, whole, left_out_there)
        return np.exp(x), np.exp(kare), np.exp(left_out)

    @property
    def _log_ridges(self) -> np.ndarray:
        """The range of a RidgePath, a step of SPACING at a time."""
        lowest = max(lowest_ridge(self.rows) * self.mean_diagonal, self.smallest_sound_ridge)
        return np.arange(np.log(lowest), np.log(HIGHEST * self.mean_diagonal), SPACING)

    def _confirms(self, ridge: float, log_risk: float) -> bool:
        """Take a factor; is its risk the one expected?"""
        return bool(abs(_log(self.risk(ridge)) - log_risk) < CONFIRMED)

    def _look_around(self, ridge: float) -> None:
        """Continue from a factor in single precision where that is sound, in double precision elsewhere."""
        if self.groups is None and ridge > SINGLE * self.sample_path.eigenvalues[0]:
            self._scouted[ridge] = self._factor_at(ridge, np.float32).measure(self.targets)
            self._continue(ridge, self._scouted[ridge], np.float32)
        else:
            self._continue(ridge, self._measured(ridge))

    def _continue(self, ridge: float, at: Resolvents, precision: type = np.float64) -> None:
        self._continuations[ridge] = Continuation(self._factor_at(ridge, precision), at, self.targets)

    def _around(self, best: float) -> tuple[np.ndarray, np.ndarray]:
        """Log ridges up to the next factor on either side, within REACH where there is none, and the log risk there."""
        x, places = self._log_ridges, np.log(self.visited)
        left = places[places < np.log(best)].max(initial=np.log(best) - REACH)
        right = places[places > np.log(best)].min(initial=np.log(best) + REACH)
        x = np.union1d(x[(left <= x) & (x <= right)], np.log(best))
        return x, np.maximum(*self._continued(x))

    def _continued(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logs of KARE and of the left-out error at log ridges (l,): duals, trace and exact entries by the nearest
        continuation, leverages between those of the factors on either side."""
        places = np.log(self.visited)
        known = np.array([_log_odds_of(self._seen(ridge)) for ridge in self.visited.tolist()])  # (v, n)
        kare, left_out = np.empty(x.size), np.empty(x.size)
        nearest = np.abs(x[:, None] - np.log(list(self._continuations))).argmin(axis=1)
        for number, continuation in enumerate(self._continuations.values()):
            mine = np.flatnonzero(nearest == number)
            if mine.size:
                ridges, trace = np.exp(x[mine]), continuation.trace(np.exp(x[mine]))
                squares = np.sum(continuation.dual(ridges) ** 2, axis=2)
                between = np.array([np.interp(x[mine], places, row) for row in np.eye(places.size)]).T @ known
                exact = ridges[:, None] * continuation.diagonal(ridges)
                shares = continued_shares(between, continuation.entries, exact, ridges * trace)
                kare[mine] = _log(squares.mean(axis=1) / trace**2)
                left_out[mine] = _log((squares / (shares / ridges[:, None]) ** 2).mean(axis=1))
        if self.groups is not None:
            whole, _, one_by_one, by_groups = self._forecasts
            seen = [_log(self.leave_one_group_out(r)) - _log(self.leave_one_out(r)) for r in self.visited]
            excess = by_groups - one_by_one  # forecast from the sample, moved onto what was seen
            left_out += np.interp(x, whole, excess) + np.interp(x, places, seen - np.interp(places, whole, excess))
        return kare, left_out

    @cached_property
    def _forecasts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Logs of ridges, and of KARE, leave-one-out and the left-out error that the sample forecasts for all rows."""
        names = ("kare", "leave_one_out", "leave_one_out" if self.groups is None else "leave_one_group_out")
        tables = {name: threshold_table(self.sample_path, name).at_size(self.rows) for name in names}
        ridges = tables["kare"][0]
        sound = ridges > self.smallest_sound_ridge
        kare, one_by_one, left_out = (_log(tables[name][1][sound]) for name in names)
        return np.log(ridges[sound]), kare, one_by_one, left_out

    @property
    def smallest_sound_ridge(self) -> float:
        return self.sample_path.smallest_sound_ridge  # the largest eigenvalue of G / n hardly depends on n

    def _measured(self, ridge: float) -> Resolvents:
        if ridge not in self._known:
            self._known[ridge] = self._factor_at(ridge).measure(self.targets)
        return self._known[ridge]

    def _seen(self, ridge: float) -> Resolvents:
        """The best that is known at a ridge that was visited."""
        return self._known[ridge] if ridge in self._known else self._scouted[ridge]

    def _factor_at(self, ridge: float, precision: type = np.float64) -> CholeskyFactor:
        latest, self._factor = self._factor, None  # overwritten by the next one
        if latest is None or latest.ridge != ridge or latest.inverse.dtype != precision:
            latest = CholeskyFactor(self.gram, ridge, precision=precision, memory=self._memory)
        self._factor = latest
        return latest

    @cached_property
    def _memory(self) -> np.ndarray:
        """Where every factor is written: fresh memory costs as much as a tenth of a factor."""
        return np.empty(self.rows**2)

    def inverse_blocks(self, ridge: float, members: np.ndarray) -> np.ndarray:
        return self._factor_at(ridge).inverse_blocks(members)

    def _group_residuals(self, of: Resolvents, place: int) -> np.ndarray:
        ridge = float(of.ridges[place])
        if ridge not in self._group_residuals_known:  # the factor may be gone later
            self._group_residuals_known[ridge] = super()._group_residuals(of, place)
        return self._group_residuals_known[ridge]


def _log_odds_of(at: Resolvents) -> np.ndarray:
    """Log odds of 1 - leverage, (n,), at the one ridge of a factor."""
    return log_odds(at.ridges[0] * at.diagonal[0])


def _log(values: Any) -> Any:
    return np.log(np.maximum(values, _TINY))
