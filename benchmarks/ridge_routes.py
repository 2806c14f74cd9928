"""Which factorisation gives KARE, leave-one-out, log det and traces at 20 ridges soonest, and how exactly?

    python benchmarks/ridge_routes.py --sizes 500 1000 2000 4000

One thread. Every route returns the same `Resolvents`; its answers are compared with the eigendecomposition first.
"""

import argparse
from collections.abc import Callable

import numpy as np
import scipy.linalg
import timing
from scipy.linalg import blas, lapack
from scipy.spatial.distance import cdist

from theodolite.kernel_regression import RidgePath, RidgeSearch, resolvent
from theodolite.kernel_regression.cholesky import CholeskyFactor
from theodolite.kernel_regression.resolvent import Resolvents
from theodolite.kernel_regression.spectral import SpectralFactor
from theodolite.kernel_regression.tridiagonal import TridiagonalFactor

RIDGES = 20
Route = Callable[[np.ndarray, np.ndarray, np.ndarray], Resolvents]


def problem(n: int, kernel: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Friedman's first function of ten uniform columns with noise, and a Gram matrix of it."""
    random = np.random.default_rng(seed)
    x = random.uniform(size=(n, 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y = y + random.standard_normal(n)
    squared = cdist(x, x, "sqeuclidean")
    gram = np.exp(-squared / 2.0) if kernel == "rbf" else np.exp(-np.sqrt(squared))
    return np.asfortranarray(gram), (y - y.mean())[:, None]


# ---- the routes -----------------------------------------------------------------------------------------------------


def product_route(gram: np.ndarray, targets: np.ndarray, ridges: np.ndarray) -> Resolvents:
    """(a) full eigendecomposition, divide and conquer: what SpectralFactor does."""
    return SpectralFactor(gram, targets).resolvents(ridges)


def eigh_by(driver: str) -> Route:
    """(a') the same with another eigensolver."""

    def route(gram: np.ndarray, targets: np.ndarray, ridges: np.ndarray) -> Resolvents:
        factor = SpectralFactor.__new__(SpectralFactor)
        if driver == "numpy":
            values, factor.vectors = np.linalg.eigh(gram)
        else:
            values, factor.vectors = scipy.linalg.eigh(gram, driver=driver, check_finite=False)
        factor.eigenvalues = np.maximum(values, 0.0)
        factor.coefficients = factor.vectors.T @ targets
        return factor.resolvents(ridges)

    return route


def tridiagonal_route(sweep: Callable[..., None]) -> Route:
    """(b) dsytrd with explicit Q; then G / n + r I = Q L D L' Q', L unit bidiagonal, in O(n^2) a ridge.

    The columns of Z = Q L^-T follow from one another; the diagonal of M^-1 is the sum of z_j^2 / d_j.
    """

    def route(gram: np.ndarray, targets: np.ndarray, ridges: np.ndarray) -> Resolvents:
        n = len(gram)
        work = int(lapack.dsytrd_lwork(n, lower=1)[0])
        packed, diagonal, beside, tau, _ = lapack.dsytrd(gram, lower=1, lwork=work)
        q = np.zeros((n, n), order="F")
        q[0, 0] = 1.0
        q[1:, 1:] = lapack.dorgqr(np.asfortranarray(packed[1:, :-1]), tau, lwork=64 * n, overwrite_a=1)[0]
        diagonal, beside = diagonal / n, beside / n
        eigenvalues = lapack.dsterf(diagonal, beside)[0]
        pivots, multipliers = np.empty((n, ridges.size)), np.zeros((n, ridges.size))
        pivots[0] = diagonal[0] + ridges
        for j in range(1, n):
            multipliers[j] = beside[j - 1] / pivots[j - 1]
            pivots[j] = diagonal[j] + ridges - multipliers[j] * beside[j - 1]
        inverse_diagonal = np.zeros((ridges.size, n))
        sweep(q, multipliers, 1.0 / pivots, inverse_diagonal)
        rotated = q.T @ targets  # (n, k)
        t = np.repeat(rotated[:, None, :], ridges.size, axis=1)  # (n, l, k)
        for j in range(1, n):
            t[j] -= multipliers[j][:, None] * t[j - 1]
        power = np.einsum("nlk,nlk,nl->l", t, t, 1.0 / pivots) / n
        t /= pivots[:, :, None]
        for j in range(n - 1, 0, -1):
            t[j - 1] -= multipliers[j][:, None] * t[j]
        dual = (q @ t.reshape(n, -1)).reshape(n, ridges.size, -1).transpose(1, 0, 2)
        return _collect(ridges, dual, inverse_diagonal, eigenvalues, np.log(pivots).mean(0), power)

    return route


def sweep_numpy(q: np.ndarray, multipliers: np.ndarray, weights: np.ndarray, total: np.ndarray) -> None:
    """One column of Q at a time, all ridges at once."""
    z, squares = np.zeros_like(total), np.empty_like(total)
    for j in range(len(q)):
        np.multiply(z, multipliers[j][:, None], out=z)
        np.subtract(q[:, j], z, out=z)
        np.multiply(z, z, out=squares)
        np.multiply(squares, weights[j][:, None], out=squares)
        np.add(total, squares, out=total)


def compiled_route(gram: np.ndarray, targets: np.ndarray, ridges: np.ndarray) -> Resolvents:
    """(b) the same with LAPACK's own order of steps and compiled sweeps: what TridiagonalFactor does."""
    return TridiagonalFactor(gram, targets).resolvents(ridges)


def band_route(width: int) -> Route:
    """(c) reduction to a band by matrix products only, explicit Q, then one band Cholesky factor a ridge."""

    def route(gram: np.ndarray, targets: np.ndarray, ridges: np.ndarray) -> Resolvents:
        n = len(gram)
        band, q = to_band(gram, width)
        band /= n
        eigenvalues = scipy.linalg.eigvals_banded(band, lower=True, check_finite=False)
        rotated = q.T @ targets
        diagonal, dual = np.zeros((ridges.size, n)), np.empty((ridges.size, *targets.shape))
        log_determinant, power = np.empty(ridges.size), np.empty(ridges.size)
        solved = np.empty((n, ridges.size, targets.shape[1]))
        factors = []
        for r, ridge in enumerate(ridges):
            shifted = band.copy()
            shifted[0] += ridge
            lower, info = lapack.dpbtrf(shifted, lower=1, overwrite_ab=1)
            assert info == 0, f"not positive definite at ridge {ridge}"
            factors.append(lower)
            log_determinant[r] = 2 * np.log(lower[0]).mean()
            solved[:, r] = lapack.dpbtrs(lower, rotated, lower=1)[0]
            power[r] = np.sum(rotated * solved[:, r]) / n
        dual = (q @ solved.reshape(n, -1)).reshape(n, ridges.size, -1).transpose(1, 0, 2)
        for r, lower in enumerate(factors):
            before = None
            for start in range(0, n, width):
                stop = min(start + width, n)
                inside, coupling = _block(lower, start, stop), _coupling(lower, start, stop, width)
                now = q[:, start:stop] if before is None else q[:, start:stop] - before @ coupling.T
                before = now @ lapack.dtrtri(np.asfortranarray(inside), lower=1)[0].T
                diagonal[r] += np.einsum("ij,ij->i", before, before)
        return _collect(ridges, dual, diagonal, eigenvalues, log_determinant, power)

    return route


def to_band(gram: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """gram = Q B Q': the lower band of B in LAPACK's storage, (width + 1, n), and Q, both by blocked Householder steps.

    Source: Bischof, Lang and Sun (2000), ACM TOMS 26, 581-601 (first stage). (4/3) n^3 operations for B, as many for Q.
    """
    n = len(gram)
    starts = list(range(0, n, width))
    columns = [np.asfortranarray(gram[start:, start : start + width]) for start in starts]  # lower block columns
    band = np.zeros((width + 1, n), order="F")
    reflectors = np.zeros((n, n), order="F")
    taus = np.zeros(n)
    for k, start in enumerate(starts):
        block = columns[k]
        b = block.shape[1]
        if start + b >= n:
            _store(band, block[:b], start, width)
            break
        packed, tau, _, _ = lapack.dgeqrf(np.asfortranarray(block[b:]))
        m = len(packed)
        kept = min(b, m)
        _store(band, np.vstack([block[:b], np.triu(packed[:kept])]), start, width)
        v = np.tril(packed[:, :kept], -1)
        v[np.arange(kept), np.arange(kept)] = 1.0
        v = np.asfortranarray(v)
        reflectors[start + b :, start : start + kept] = packed[:, :kept]
        taus[start : start + kept] = tau[:kept]
        inverse = np.triu(v.T @ v, 1)
        inverse[np.arange(kept), np.arange(kept)] = 1.0 / np.where(tau[:kept] == 0, 1e-300, tau[:kept])
        t = lapack.dtrtri(np.asfortranarray(inverse), lower=0)[0]
        rest = columns[k + 1 :]
        product = _times(rest, v)
        w = product @ t
        w -= v @ (0.5 * (t.T @ (v.T @ w)))
        left, right = np.hstack([v, w]), np.hstack([w, v])
        at = 0
        for j, column in enumerate(rest):
            c = column.shape[1]
            rest[j] = columns[k + 1 + j] = blas.dgemm(
                -1.0, left[at:], right[at : at + c], beta=1.0, c=column, trans_b=1, overwrite_c=1
            )
            at += c
    q = np.zeros((n, n), order="F")
    q[:width, :width] = np.eye(min(width, n))
    if n > width:
        q[width:, width:] = lapack.dorgqr(
            np.asfortranarray(reflectors[width:, : n - width]), taus[: n - width], lwork=64 * n, overwrite_a=1
        )[0]
    return band, q


def _times(columns: list[np.ndarray], v: np.ndarray) -> np.ndarray:
    """A v for a symmetric A given by the lower part of its block columns."""
    product = np.zeros(v.shape, order="F")
    at = 0
    for column in columns:
        c = column.shape[1]
        product[at:] += column @ v[at : at + c]
        product[at : at + c] += column[c:].T @ v[at + c :]
        at += c
    return product


def _store(band: np.ndarray, block: np.ndarray, start: int, width: int) -> None:
    for j in range(min(width, band.shape[1] - start)):
        below = block[j : j + width + 1, j]
        band[: len(below), start + j] = below


def _block(lower: np.ndarray, start: int, stop: int) -> np.ndarray:
    """The diagonal block of a lower band matrix."""
    size = stop - start
    block = np.zeros((size, size))
    for i in range(size):
        block[np.arange(i, size), np.arange(size - i)] = lower[i, start : stop - i]
    return block


def _coupling(lower: np.ndarray, start: int, stop: int, width: int) -> np.ndarray:
    """The block left of the diagonal block, upper triangular."""
    block = np.zeros((stop - start, width))
    if start:
        for i in range(stop - start):
            j = np.arange(i, width)
            block[i, j] = lower[start + i - (start - width + j), start - width + j]
    return block


def cholesky_route(gram: np.ndarray, targets: np.ndarray, ridges: np.ndarray) -> Resolvents:
    """(d) one Cholesky factor and its inverse for each ridge; powers of M^-1 by random probes."""
    parts = [CholeskyFactor(gram, float(ridge)).measure(targets) for ridge in ridges]
    return Resolvents(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def quadrature_kare(gram: np.ndarray, targets: np.ndarray, ridges: np.ndarray, steps: int, probes: int) -> np.ndarray:
    """(e) KARE only, by stochastic Lanczos quadrature: Gauss rules from the targets and from random probes, (l,)."""
    n = len(gram)
    random = np.random.default_rng(n)
    start = np.hstack([targets, random.choice([-1.0, 1.0], size=(n, probes))])
    norms = np.linalg.norm(start, axis=0)
    basis = np.empty((steps, n, start.shape[1]))
    basis[0] = start / norms
    alpha, beta = np.zeros((steps, start.shape[1])), np.zeros((steps, start.shape[1]))
    for j in range(steps):
        w = gram @ basis[j] / n
        alpha[j] = np.einsum("ik,ik->k", w, basis[j])
        for _ in range(2):  # full reorthogonalisation
            for k in range(start.shape[1]):
                w[:, k] -= basis[: j + 1, :, k].T @ (basis[: j + 1, :, k] @ w[:, k])
        if j + 1 < steps:
            beta[j] = np.linalg.norm(w, axis=0)
            basis[j + 1] = w / np.maximum(beta[j], 1e-300)
    numerator, trace = np.zeros(ridges.size), np.zeros(ridges.size)
    for k in range(start.shape[1]):
        nodes, vectors = scipy.linalg.eigh_tridiagonal(alpha[:, k], beta[:-1, k])
        inverse = 1.0 / (np.maximum(nodes, 0.0)[:, None] + ridges)
        weights = vectors[0] ** 2 * norms[k] ** 2 / n
        if k < targets.shape[1]:
            numerator += weights @ inverse**2
        else:
            trace += weights @ inverse / probes
    return numerator / trace**2


def _collect(ridges, dual, diagonal, eigenvalues, log_determinant, power) -> Resolvents:
    inverse = 1.0 / (np.maximum(eigenvalues, 0.0)[:, None] + ridges)
    return Resolvents(
        ridges=ridges,
        dual=dual,
        diagonal=diagonal,
        trace=inverse.mean(0),
        participation=inverse.mean(0) ** 2 / (inverse**2).mean(0),
        concentration=(inverse**4).mean(0) / (inverse**2).mean(0) ** 2,
        log_determinant=log_determinant,
        power=power,
    )


# ---- the comparison -------------------------------------------------------------------------------------------------

ROUTES: dict[str, tuple[Route, int]] = {  # and the largest size at which it is worth its time
    "(a) eigh, evd": (product_route, 8000),
    "(a) eigh, evr": (eigh_by("evr"), 2000),
    "(a) eigh, numpy": (eigh_by("numpy"), 2000),
    "(b) tridiagonal, numpy": (tridiagonal_route(sweep_numpy), 4000),
    "(b) tridiagonal, compiled: RidgePath": (compiled_route, 8000),
    "(c) band of 32": (band_route(32), 4000),
    "(c) band of 64": (band_route(64), 4000),
    "(d) Cholesky at 20 ridges": (cholesky_route, 4000),
}
SEARCH = "(d) RidgeSearch: best ridge only"
STEPS, PROBES = 40, 8
QUADRATURE = f"(e) stochastic Lanczos, {STEPS} steps, {PROBES} probes: KARE only"


def searched(gram: np.ndarray, targets: np.ndarray) -> tuple[float, float, int]:
    """(ridge, risk, factors) by RidgeSearch."""
    search = RidgeSearch(gram, targets)
    ridge = search.best_ridge()
    return ridge, search.risk(ridge), len(search.visited)


def compare(n: int, kernel: str, rounds: int) -> dict:
    """Seconds and errors of every route at one size."""
    gram, targets = problem(n, kernel)
    ridges = np.geomspace(1e-8, 1.0, RIDGES)
    routes = {name: route for name, (route, largest) in ROUTES.items() if n <= largest}
    contestants = {name: (lambda route=route: route(gram, targets, ridges)) for name, route in routes.items()}
    contestants[SEARCH] = lambda: searched(gram, targets)
    if n <= 2000:
        contestants[QUADRATURE] = lambda: quadrature_kare(gram, targets, ridges, STEPS, PROBES)
    errors: dict[str, dict[str, float]] = {}

    def check(answers: dict) -> None:
        exact = answers[next(iter(ROUTES))]
        kare, left_out = resolvent.kare(exact), resolvent.leave_one_out(exact)
        for name, answer in answers.items():
            if name == SEARCH:
                _, risk, factors = answer
                path = RidgePath(gram, targets) if n <= 2000 else None
                found = {"factors": factors}
                if path is not None:
                    best = path.best_ridge()
                    lowest = path.risk(best)
                    found["excess"] = risk / lowest - 1
                    missed = risk - lowest > max(0.01 * lowest, 0.25 * path.standard_error(best))
                    assert not missed, f"RidgeSearch missed the best ridge by {found['excess']:.2%}"
                errors[name] = found
            elif name == QUADRATURE:
                errors[name] = {"kare": _apart(answer, kare)}
            else:
                errors[name] = {
                    "kare": _apart(resolvent.kare(answer), kare),
                    "leave_one_out": _apart(resolvent.leave_one_out(answer), left_out),
                    "log_determinant": _apart(answer.log_determinant, exact.log_determinant),
                }
                assert max(errors[name].values()) < 1e-6, f"{name} is wrong: {errors[name]}"

    timings = timing.race(contestants, check, rounds=rounds, warm=n < 4000)
    floor = 4 / 3 * n**3 / timing.product_rate(min(n, 2000), 3)
    rows = {name: of.summary() | {"errors": errors[name], "floors": of.median / floor} for name, of in timings.items()}
    return {"n": n, "kernel": kernel, "floor": floor, "routes": rows}


def _apart(values: np.ndarray, exact: np.ndarray) -> float:
    return float(np.abs(values / exact - 1).max())


def _said(errors: dict[str, float]) -> str:
    return ", ".join(
        f"{what} {value}" if what == "factors" else f"{what} {value:.1e}" for what, value in errors.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 1000, 2000, 4000])
    parser.add_argument("--kernel", choices=("laplace", "rbf"), default="laplace")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", help="JSON file")
    options = parser.parse_args()
    measured = []
    for n in options.sizes:
        result = compare(n, options.kernel, options.rounds if n < 4000 else min(options.rounds, 2))
        measured.append(result)
        print(f"\nn = {n}, {RIDGES} ridges, {options.kernel}; floor: {result['floor']:.4f} s\n")
        head = ["route", "seconds", "least", "floors", "largest relative error"]
        body = [
            [name, f"{row['cpu_median']:.4f}", f"{row['cpu_min']:.4f}", f"{row['floors']:.1f}", _said(row["errors"])]
            for name, row in result["routes"].items()
        ]
        print(timing.table([head, *body]), flush=True)
    timing.save(options.out, measured, vars(options))


if __name__ == "__main__":
    main()
