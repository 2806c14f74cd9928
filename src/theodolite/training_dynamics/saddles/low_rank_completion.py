"""scikit-learn style: a table with hidden entries, filled by a matrix of low rank that is grown greedily."""

from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from theodolite.numerics.checks import positive_integer, zero_or_positive
from theodolite.training_dynamics.saddles.greedy import GreedyStep, greedy_steps, top_pair
from theodolite.training_dynamics.saddles.held_out import hidden_entries
from theodolite.training_dynamics.saddles.matrix_costs import completion, refuse_hidden
from theodolite.training_dynamics.saddles.nuclear_norm import LARGEST_SIDE, factored, nuclear_norm_fit

FIRST, MORE = (0.0, 0.04), (0.01, 0.02, 0.08, 0.16, 0.3)  # shrinkages that choose the scaling; the others after it
WHOLE = (0.3, 0.22, 0.16, 0.11, 0.08, 0.055, 0.04, 0.028, 0.02, 0.01, 0.005)  # shrinkages without a limit of the rank
SHARE, BETWEEN = 0.5, (0.005, 0.04)  # of the best of them, and in any case, for the paths with a limit
PATIENCE = 3  # ranks, or shrinkages, without a better held-out error before a path is left
QUICK, CAREFUL = 1e-4, 1e-9  # tolerances while choosing and at the end
CLOSE, ENOUGH = 1e-7, 3000  # of the certificate of an end, over s_1 of the table; steps on the way there
ALMOST, EXACT = 1e-2, 1e-12  # share of the variance that a fit leaves: worth a careful look; no chance
LOOKS = 2  # careful ones, at the lowest ranks


class Candidate(NamedTuple):
    """Columns standardised or not, shrinkage, rank, the held-out squared error as a share of the variance, the share of
    the cost at 0 that the fit left, and whether the rank is `whole`: just what the shrinkage leaves."""

    standardised: bool
    shrinkage: float
    rank: int
    error: float
    left: float = float("nan")
    whole: bool = False


class LowRankCompletion(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fills the hidden entries (NaN) of a table by a low-rank matrix; the rank need not be guessed.

    The greedy algorithm of saddle-to-saddle dynamics: minimise over matrices of rank 0, 1, 2, ..., each from the one
    before, adding the top singular pair of the residual. It ends when the certificate s_1(residual) <= shrinkage says
    that no rank does better. With "auto", rank, shrinkage and standardisation are those of the smallest error on
    entries hidden for the purpose, among certified ends, found at once by their convexity from the largest shrinkage to
    the smallest, and greedy paths with half of that of the best end and less. Without any shrinkage a row with few
    entries may get any numbers, so that is taken only where it fits all entries with fewer numbers than there are
    entries, and then at once.

    Args: rank, "auto" or a number, then taken as it is; shrinkage, "auto" or a number >= 0: the penalty
        shrinkage * s_1(observed table) * (|U|^2 + |V|^2) / 2; standardise, "auto", or whether columns are centred and
        scaled first (True for columns of different units, False for one kind of entry throughout); max_rank, where a
        path ends at the latest; splits, how often a tenth of the entries is held out; iterations of each minimisation;
        random_state, of the held-out entries.
    Attributes: rank_, shrinkage_ (in units of the scaled table), standardised_, components_ (rank_, d), mean_ and
        scale_ (d,), held_out_error_ (NaN when nothing was chosen), certificate_ s_1(residual), certified_ (no matrix of
        any rank is better for the penalised cost), candidates_, n_features_in_.
    Raises: BadInput for a row or a column wholly hidden, and scikit-learn's errors.
    Source: Jacot et al. (2021), arXiv:2106.15933, greedy algorithm; the choice by held-out entries and shrinkage are
        ours. Cost: a few hundred products of (n, k), (k, d) for each rank tried, times 4 * splits with "auto", and as
        many eigendecompositions of the smaller side; a table of more than 1000 rows and columns takes 9 * splits greedy
        paths instead.

    >>> rng = np.random.default_rng(0)
    >>> table = rng.standard_normal((20, 2)) @ rng.standard_normal((2, 15))
    >>> seen = np.where(rng.random(table.shape) < 0.6, table, np.nan)
    >>> model = LowRankCompletion()
    >>> bool(np.abs(model.fit_transform(seen) - table).max() < 1e-6), model.rank_
    (True, 2)
    """

    def __init__(
        self,
        rank: int | Literal["auto"] = "auto",
        *,
        shrinkage: float | Literal["auto"] = "auto",
        standardise: bool | Literal["auto"] = "auto",
        max_rank: int | None = None,
        splits: int = 2,
        iterations: int = 300,
        random_state: Any = 0,
    ) -> None:
        self.rank = rank
        self.shrinkage = shrinkage
        self.standardise = standardise
        self.max_rank = max_rank
        self.splits = splits
        self.iterations = iterations
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "LowRankCompletion":
        """Learn from X (n, d), NaN where hidden."""
        X = self._table(X, reset=True)
        most = min(X.shape) if self.max_rank is None else min(positive_integer(self.max_rank, "max_rank"), *X.shape)
        self.candidates_ = self._candidates(X, most)
        stable = [one for one in self.candidates_ if one.shrinkage > 0 or self.rank != "auto"]
        best = min(stable or self.candidates_, key=lambda one: one.error)
        self.held_out_error_ = best.error if len(self.candidates_) > 1 or self.rank == "auto" else float("nan")
        exact = self._exact(X)
        best = best if exact is None else exact
        self.standardised_, rank = best.standardised, min(best.rank, most)
        self.mean_, self.scale_ = column_scales(X, best.standardised)
        step, self.shrinkage_ = self._path(X, best, rank)
        self.rank_, self.components_, self.certificate_ = len(step.V), step.V, step.certificate
        self.certified_ = bool(step.done)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """X (m, d) with its hidden entries filled; observed ones stay as they are. Rows may be new."""
        check_is_fitted(self)
        X = self._table(X, reset=False)
        return np.where(np.isnan(X), self._low_rank(X), X)

    def reconstruct(self, X: Any) -> np.ndarray:
        """The low-rank part of X (m, d), at observed entries too."""
        check_is_fitted(self)
        return self._low_rank(self._table(X, reset=False))

    def _low_rank(self, X: np.ndarray) -> np.ndarray:
        """Each row by least squares on its observed entries, with the penalty of the fit."""
        seen = ~np.isnan(X)
        Z = np.where(seen, (X - self.mean_) / self.scale_, 0.0)
        V = self.components_
        k = len(V)
        pairs = (V[:, None, :] * V[None, :, :]).reshape(k * k, X.shape[1])
        grams = (seen.astype(float) @ pairs.T).reshape(len(X), k, k) + self.shrinkage_ * np.eye(k)
        U = np.einsum("nij,nj->ni", np.linalg.pinv(grams, rcond=1e-12, hermitian=True), Z @ V.T) if k else Z[:, :0]
        return (U @ V) * self.scale_ + self.mean_

    def _table(self, X: Any, reset: bool) -> np.ndarray:
        X = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1
        )
        seen = ~np.isnan(X)
        refuse_hidden(seen if reset else np.vstack([seen, np.ones_like(seen[:1])]))
        return X

    def _exact(self, X: np.ndarray) -> Candidate | None:
        """A candidate that fits every observed entry with fewer numbers than there are entries, if there is one.

        Nothing but a table of that rank allows this, and no held-out error can say it better.
        """
        n, d = X.shape
        if self.rank != "auto":
            return None
        spread = float(np.nansum((X - np.nanmean(X, axis=0)) ** 2) / max(np.nansum(X**2), np.finfo(float).tiny))
        likely = []
        for one in sorted(self.candidates_, key=lambda one: one.rank):
            unknowns = one.rank * (n + d - one.rank) + one.standardised * d
            left = one.left if one.standardised else one.left / max(spread, np.finfo(float).tiny)
            if one.shrinkage == 0.0 and left < ALMOST and unknowns < np.sum(~np.isnan(X)):
                likely.append(one)
        for one in likely[:LOOKS]:
            self.mean_, self.scale_ = column_scales(X, one.standardised)
            step, _ = self._path(X, one, one.rank)
            if step.value <= EXACT * np.nansum(((X - self.mean_) / self.scale_) ** 2):
                return one
        return None

    def _path(self, X: np.ndarray, chosen: Candidate, rank: int) -> tuple[GreedyStep, float]:
        """The last step of the path to a rank on all observed entries, and the shrinkage in units of the table."""
        Z = (X - self.mean_) / self.scale_
        cost = completion(Z)
        first = top_pair(-cost.gradient(np.zeros(Z.shape)))[1]
        shrinkage = chosen.shrinkage * first
        if chosen.whole:
            V, U = factored(nuclear_norm_fit(Z, ~np.isnan(Z), shrinkage, tolerance=CAREFUL, iterations=ENOUGH))
            certificate = top_pair(-cost.gradient(U @ V))[1]
            done = certificate <= shrinkage + 10 * CLOSE * first
            return GreedyStep(V, U, cost.value(U @ V), certificate, done), shrinkage
        path = greedy_steps(cost, rank, shrinkage=shrinkage, tolerance=CAREFUL, iterations=10 * self.iterations)
        return list(path)[-1], shrinkage

    def _candidates(self, X: np.ndarray, most: int) -> list[Candidate]:
        standards = (False, True) if self.standardise == "auto" else (bool(self.standardise),)
        shrinkages = FIRST if self.shrinkage == "auto" else (zero_or_positive(self.shrinkage, "shrinkage"),)
        if self.rank != "auto":
            most = min(most, positive_integer(self.rank, "rank"))
            if len(standards) == len(shrinkages) == 1:
                return [Candidate(standards[0], shrinkages[0], most, float("nan"))]
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        seen = ~np.isnan(X)
        masks = [hidden_entries(seen, 0.1, rng) for _ in range(positive_integer(self.splits, "splits"))]
        masks = [mask for mask in masks if mask.any()]
        if not masks:  # nothing to spare: as far as the certificate asks
            return [Candidate(standards[-1], shrinkages[0], most, float("nan"))]
        if self.rank == self.shrinkage == "auto" and min(X.shape) <= LARGEST_SIDE:
            return self._free(X, masks, standards, most)
        found = [
            one
            for standard in standards
            for shrinkage in shrinkages
            for one in self._curve(X, masks, standard, shrinkage, most)
        ]
        if self.shrinkage == "auto":
            best = min(found, key=lambda one: one.error).standardised
            found += [one for shrinkage in MORE for one in self._curve(X, masks, best, shrinkage, most)]
        return found

    def _free(self, X: np.ndarray, masks: list[np.ndarray], standards: tuple[bool, ...], most: int) -> list[Candidate]:
        """Certified ends for every shrinkage, greedy paths without any, and some between."""
        whole = [one for standard in standards for one in self._ends(X, masks, standard, most)]
        found = whole + [one for standard in standards for one in self._curve(X, masks, standard, 0.0, most)]
        if whole:
            best = min(whole, key=lambda one: one.error)
            standard = min(found, key=lambda one: one.error).standardised
            for shrinkage in sorted({SHARE * best.shrinkage, *BETWEEN}):
                found += self._curve(X, masks, standard, shrinkage, most)
        return found

    def _ends(self, X: np.ndarray, masks: list[np.ndarray], standard: bool, most: int) -> list[Candidate]:
        """The certified ends of falling shrinkage, each from the one before, until the held-out error rises."""
        spread = column_scales(X, True)[1]
        tables = []
        for mask in masks:
            kept = np.where(mask, np.nan, X)
            mean, scale = column_scales(kept, standard)
            Z = (kept - mean) / scale
            seen = ~np.isnan(Z)
            tables.append(
                (Z, seen, mask, (X - mean) / scale, scale / spread, completion(Z).gradient(np.zeros(X.shape)))
            )
        sizes = [top_pair(-gradient)[1] for *_, gradient in tables]
        fits: list[np.ndarray | None] = [None] * len(tables)
        found: list[Candidate] = []
        for shrinkage in WHOLE:
            errors, left, ranks = [], [], []
            for i, (Z, seen, mask, truth, unit, gradient) in enumerate(tables):
                fit = nuclear_norm_fit(
                    Z, seen, shrinkage * sizes[i], fits[i], tolerance=QUICK, iterations=self.iterations
                )
                fits[i] = fit
                errors.append(float(np.mean((((fit - truth) * unit)[mask]) ** 2)))
                left.append(float(np.sum((fit - truth)[seen] ** 2) / max(np.sum(gradient**2), np.finfo(float).tiny)))
                ranks.append(int(np.linalg.matrix_rank(fit, tol=1e-6 * sizes[i])))
            rank = max(ranks)
            if rank > most:
                break
            found.append(Candidate(standard, shrinkage, rank, float(np.mean(errors)), float(np.mean(left)), True))
            if len(found) - 1 - int(np.argmin([one.error for one in found])) >= PATIENCE:
                break
        return found

    def _curve(
        self, X: np.ndarray, masks: list[np.ndarray], standard: bool, shrinkage: float, most: int
    ) -> list[Candidate]:
        """The candidates of one path, averaged over what was held out."""
        curves = [self._held_out(X, mask, standard, shrinkage, most) for mask in masks]
        length = max(len(curve) for curve in curves)
        padded = [np.pad(curve, ((0, length - len(curve)), (0, 0)), mode="edge") for curve in curves]
        errors, left = np.mean(padded, axis=0).T
        ranks = range(length) if self.rank == "auto" else (length - 1,)
        return [Candidate(standard, shrinkage, k, float(errors[k]), float(left[k])) for k in ranks]

    def _held_out(self, X: np.ndarray, mask: np.ndarray, standard: bool, shrinkage: float, most: int) -> np.ndarray:
        """For rank 0, 1, ... of one path the squared error on the masked entries over their variance, and the share of
        the cost that is left; (ranks, 2)."""
        kept = np.where(mask, np.nan, X)
        mean, scale = column_scales(kept, standard)
        spread = column_scales(X, True)[1]
        cost = completion((kept - mean) / scale)
        penalty = shrinkage * top_pair(-cost.gradient(np.zeros(X.shape)))[1]
        errors: list[float] = []
        left: list[float] = []
        first = max(cost.value(np.zeros(X.shape)), np.finfo(float).tiny)
        path = greedy_steps(cost, most, shrinkage=penalty, tolerance=QUICK, iterations=self.iterations, polish=False)
        rows, columns = np.nonzero(mask)
        for step in path:
            filled = np.einsum("nk,kn->n", step.U[rows], step.V[:, columns]) * scale[columns] + mean[columns]
            errors.append(float(np.mean(((filled - X[mask]) / spread[columns]) ** 2)))
            left.append(step.value / first)
            if self.rank == "auto" and len(errors) - 1 - int(np.argmin(errors)) >= PATIENCE:
                break
        return np.column_stack([errors, left])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def column_scales(X: np.ndarray, standardise: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the observed entries of each column, (d,) each; without, 0 and one common scale.

    >>> column_scales(np.array([[1.0, 5.0], [3.0, np.nan]]), True)
    (array([2., 5.]), array([1., 1.]))
    """
    if not standardise:
        size = float(np.sqrt(np.nanmean(X**2)))
        return np.zeros(X.shape[1]), np.full(X.shape[1], size if size > 0 else 1.0)
    mean, spread = np.nanmean(X, axis=0), np.nanstd(X, axis=0)
    flat = spread <= 1e-12 * np.abs(mean)
    return mean, np.where(flat, 1.0, spread)
