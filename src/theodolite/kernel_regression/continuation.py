"""From one Cholesky factor to the ridges around it, without another factor.

With M0 = G / n + r0 I at hand, a few Lanczos steps with r0 M0^-1 from a vector v give f(G) v and v' f(G) v for all
functions 1 / (s + r): one pole, many ridges. Started from the targets this gives M^-1 y; from random signs, tr M^-1;
from unit vectors, single entries of the diagonal of M^-1. The other entries follow the exact ones: the log odds of
r [M^-1]_ii = 1 - leverage, known at r0, move by a common line, fitted to the exact entries and to the trace.

Measured on 17 tables of 500 rows, nine cases in ten: KARE within 1.2 % where r is within a factor of 20 of r0;
leave-one-out within 1.2 % up to a factor of e, 4 % up to e^2.
Source: spectral transformation Lanczos, Ericsson and Ruhe (1980), Math. Comp. 35; Gauss quadrature, Golub and Meurant
(2010), Matrices, Moments and Quadrature, chapter 7.
"""

import numpy as np
from scipy.special import logit

from theodolite.kernel_regression.cholesky import PROBED, CholeskyFactor
from theodolite.kernel_regression.resolvent import Resolvents

STEPS = 8
EXACT = 16  # diagonal entries followed exactly: half of them the worst left-out rows, half at random


class Continuation:
    """M^-1 y, tr M^-1 / n and a few diagonal entries of M^-1 at ridges around that of a factor.

    Cost: STEPS solves with the targets, 4 to 32 probes and EXACT unit vectors; with one target a third of the factor.
    """

    def __init__(self, factor: CholeskyFactor, at: Resolvents, targets: np.ndarray) -> None:
        n, k = targets.shape
        random = np.random.default_rng(n)
        order = np.argsort(-np.sum(at.left_out_residuals()[0] ** 2, axis=1))
        worst, others = order[: EXACT // 2], order[EXACT // 2 :]
        chance = random.choice(others, min(others.size, EXACT - worst.size), replace=False)
        self.entries = np.concatenate([worst, chance])
        units = np.zeros((n, self.entries.size))
        units[self.entries, np.arange(self.entries.size)] = 1.0
        probes = random.choice([-1.0, 1.0], size=(n, min(max(PROBED // n, 4), 32)))
        self.ridge = factor.ridge
        self.here = at
        self._parts = np.split(np.arange(k + probes.shape[1] + units.shape[1]), [k, k + probes.shape[1]])
        self._nodes, self._first, vectors, self._basis = _lanczos(factor, np.hstack([targets, probes, units]), k)
        self._vectors = vectors[:k]

    def dual(self, ridges: np.ndarray) -> np.ndarray:
        """M^-1 y at ridges (l,), shape (l, n, k)."""
        columns = self._parts[0]
        along = self._inverse(columns, ridges) * self._first[columns][:, :, None]  # (k, steps, l)
        return np.einsum("kil,kin->lnk", self._vectors @ along, self._basis, optimize=True)

    def trace(self, ridges: np.ndarray) -> np.ndarray:
        """tr M^-1 / n at ridges (l,): exact here, elsewhere by the ratio that the probes see."""
        return self.here.trace[0] * self._ratio(self._parts[1], ridges, together=True)[0]

    def diagonal(self, ridges: np.ndarray) -> np.ndarray:
        """The diagonal of M^-1 on the rows `entries`, (l, e)."""
        return self.here.diagonal[0, self.entries] * self._ratio(self._parts[2], ridges, together=False).T

    def _inverse(self, columns: np.ndarray, ridges: np.ndarray) -> np.ndarray:
        """1 / (s + r) at the nodes u = r0 / (s + r0), (columns, steps, l)."""
        u = self._nodes[columns][:, :, None]
        return u / (self.ridge + (ridges - self.ridge) * u)

    def _ratio(self, columns: np.ndarray, ridges: np.ndarray, *, together: bool) -> np.ndarray:
        """v' M^-1 v relative to its value here, of each column or of all together, (columns or 1, l)."""
        weights = self._first[columns] ** 2
        there = np.einsum("ci,cil->cl", weights, self._inverse(columns, ridges))
        here = np.einsum("ci,ci->c", weights, self._nodes[columns])[:, None] / self.ridge
        return there.sum(0, keepdims=True) / here.sum() if together else there / here


def continued_shares(known: np.ndarray, entries: np.ndarray, exact: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """1 - leverage of all rows, (l, n), with log odds on a line in the log odds `known` (l, n) at a ridge nearby.

    Args: entries (e,), rows on which the answer is `exact` (l, e); mean (l,), that the answer must have.
    """
    known = known - known.mean(axis=1, keepdims=True)
    x, y = known[:, entries], log_odds(exact)
    x_away = x - x.mean(axis=1, keepdims=True)
    slope = np.einsum("le,le->l", x_away, y) / (np.einsum("le,le->l", x_away, x_away) + 1e-9)
    known *= np.clip(slope, 0.2, 3.0)[:, None]
    aim = np.clip(mean, 1e-15, 1.0 - 1e-12)
    level = logit(aim)
    for _ in range(6):  # Newton on the log odds of the mean, almost a straight line
        answer = _from_log_odds(known + level[:, None])
        reached = answer.mean(axis=1)
        bend = (reached - np.einsum("ln,ln->l", answer, answer) / answer.shape[1]) / (reached * (1.0 - reached))
        level += (logit(aim) - logit(reached)) / np.maximum(bend, 0.2)
    answer = _from_log_odds(known + level[:, None])
    answer[:, entries] = exact
    return answer


def _from_log_odds(odds: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-odds)), inside (0, 1)."""
    return 1.0 / (1.0 + np.exp(np.clip(-odds, -27.0, 34.0)))


def log_odds(share: np.ndarray) -> np.ndarray:
    """log(share / (1 - share)), kept finite at 0 and 1."""
    return logit(np.clip(share, 1e-15, 1.0 - 1e-12))


def _lanczos(
    factor: CholeskyFactor, start: np.ndarray, kept: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lanczos with u = r0 M0^-1 from each column of `start` (n, c), all at once, fully reorthogonalised.

    Returns: nodes in [0, 1], (c, steps); first components of their vectors times |start|, (c, steps); the vectors
    (c, steps, steps); the bases of the first `kept` columns, (kept, steps, n).
    """
    n, c = start.shape
    steps = min(STEPS, n)
    norms = np.linalg.norm(start, axis=0)
    basis = np.zeros((c, steps, n))
    basis[:, 0] = (start / np.where(norms > 0, norms, 1.0)).T
    matrix = np.zeros((c, steps, steps))
    for j in range(steps):
        w = factor.ridge * factor.solve(np.asfortranarray(basis[:, j].T)).T
        done = basis[:, : j + 1]
        along = done @ w[:, :, None]
        matrix[:, j, j] = along[:, j, 0]
        w -= (along.transpose(0, 2, 1) @ done)[:, 0]
        w -= ((done @ w[:, :, None]).transpose(0, 2, 1) @ done)[:, 0]
        if j + 1 < steps:
            length = np.linalg.norm(w, axis=1)
            length[length < 1e-13] = 0.0  # an invariant subspace: the rest stays empty
            matrix[:, j, j + 1] = matrix[:, j + 1, j] = length
            basis[:, j + 1] = w / np.where(length > 0, length, 1.0)[:, None]
            basis[length == 0, j + 1] = 0.0
    nodes, vectors = np.linalg.eigh(matrix)
    return np.clip(nodes, 0.0, 1.0), vectors[:, 0] * norms[:, None], vectors, basis[:kept].copy()
