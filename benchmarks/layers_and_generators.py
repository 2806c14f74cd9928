"""Degree laws of layers, and kernel and spectrum of a generator: answers checked by other routes, then timed.

    python benchmarks/layers_and_generators.py --rounds 5

Task 1: the degree laws of ReLU networks of 2, 3, 4 and 5 layers of weights in 3, 10 and 50 dimensions, 60 degrees each;
checked against quadrature in sixty digits (mpmath; the oracle of the tests). Aim: under 5 s altogether.
Task 2: both kernels between all positions of 4 images of 16 x 16 that a generator of four deconvolutions makes, and the
eigenvalues of the 1,024 x 1,024 tangent kernel; checked against lists of parents, position by position, in plain NumPy.
Aim: under 2 s after compilation. One thread, one process; series are computed anew in every round.
"""

import argparse
import importlib.util
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import timing
from scipy.linalg import eigvalsh

from theodolite.architectures import ConvTranspose, Dense, Node, Relu, Reshape
from theodolite.infinite_width import layer_spectra, position_kernels
from theodolite.infinite_width.frequencies.power_series import layer_series

DEPTHS, DIMENSIONS, DEGREES = (2, 3, 4, 5), (3, 10, 50), 60
ORACLE = Path(__file__).parents[1] / "tests" / "infinite_width" / "sixty_digits.py"
BETA, LATENT, INPUTS = 0.1, 32, 4
AIMS = {"degree laws": 5.0, "generator": 2.0}


def deep(depth: int) -> Node:
    """Dense layers with ReLU between them, E sigma^2 = 1."""
    net: Node = Dense()
    for _ in range(depth - 1):
        net = net >> Relu().standardised() >> Dense()
    return net


def degree_laws() -> dict[tuple[int, int], Any]:
    """All twelve, nothing remembered."""
    layer_series.cache_clear()
    return {(depth, d): layer_spectra(deep(depth), d, DEGREES) for depth in DEPTHS for d in DIMENSIONS}


def check_laws(found: dict[tuple[int, int], Any]) -> None:
    """Every entry within the error it states of sixty digits; prints how far off the known ones are at most."""
    spec = importlib.util.spec_from_file_location("sixty_digits", ORACLE)
    assert spec is not None
    assert spec.loader is not None
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    worst, invalid, low = 0.0, 0, 0.0
    for (depth, d), spectra in found.items():
        exact = np.array([[float(one) for one in row] for row in oracle.degree_laws(depth, d, DEGREES)])
        off = np.abs(spectra.degree_law - exact)
        stated = (spectra.relative_error + 1e-11) * np.abs(exact) + 1e-40
        if not (off <= stated).all():
            raise SystemExit(f"{depth} layers, {d} dimensions: off by more than stated")
        relative = np.divide(off, exact, out=np.zeros_like(off), where=exact > 1e-40)
        worst, low = max(worst, relative[spectra.valid].max()), max(low, relative[:, :13].max())
        invalid += int((~spectra.valid).sum())
    print(
        f"degree laws: the known ones are off by {worst:.1e} at most, degrees to 12 by {low:.1e}; "
        f"{invalid} of {sum(one.valid.size for one in found.values())} are said to be unknown"
    )


def latents() -> np.ndarray:
    """Points (4, 32) of squared norm 32."""
    points = np.random.default_rng(5).standard_normal((INPUTS, LATENT))
    return points * math.sqrt(LATENT) / np.linalg.norm(points, axis=1, keepdims=True)


def generator() -> Node:
    """1 x 1 to 16 x 16, windows 2, 4, 4, 4, strides 2, edges counted."""
    layers = [
        ConvTranspose(window, 2, edges="graph", weight_std=math.sqrt(1 - BETA**2), bias_std=BETA)
        for window in (2, 4, 4, 4)
    ]
    net: Node = Reshape((1, 1, LATENT)) >> layers[0]
    for layer in layers[1:]:
        net = net >> Relu().standardised() >> layer
    return net


def generated() -> tuple[np.ndarray, np.ndarray]:
    """The tangent kernel as a matrix, and its eigenvalues, rising."""
    kernel = position_kernels(generator(), latents()).ntk_matrix
    return kernel, eigvalsh(kernel)


def by_parents() -> np.ndarray:
    """The same matrix from the definition: for every position the parents it hears, by type of weight."""
    X = latents()
    sigma = theta = X @ X.T / LATENT
    for number, window in enumerate((2, 4, 4, 4)):
        side = 2**number
        if number:
            root = np.sqrt(np.diag(sigma))
            cosine = np.clip(sigma / np.outer(root, root), -1, 1)
            np.fill_diagonal(cosine, 1.0)
            angle = np.arccos(cosine)
            theta = theta * (1 - angle / np.pi)
            sigma = np.outer(root, root) * (np.sin(angle) + (np.pi - angle) * cosine) / np.pi
        sigma, theta = spread(sigma, theta if number else np.zeros_like(theta), side, window, (window - 2) // 2)
    return theta


def spread(sigma: np.ndarray, theta: np.ndarray, side: int, window: int, pad: int) -> tuple[np.ndarray, np.ndarray]:
    """One deconvolution of stride 2: sums over parents that share a weight, over the roots of their numbers."""
    large, before = 2 * side, side * side
    positions = list(itertools.product(range(large), repeat=2))
    parents: dict[tuple[int, int], list[tuple[int, int]]] = {}  # type: (position, parent)
    count = np.zeros(large * large)
    for place, (a, b) in enumerate(positions):
        for q, (i, j) in enumerate(itertools.product(range(side), repeat=2)):
            kind = (a + pad - 2 * i, b + pad - 2 * j)
            if all(0 <= part < window for part in kind):
                parents.setdefault(kind, []).append((place, q))
                count[place] += 1
    sums = [np.zeros((INPUTS * large * large,) * 2) for _ in range(2)]
    for edges in parents.values():
        to, fro = (np.array(part) for part in zip(*edges, strict=True))
        to = (np.arange(INPUTS)[:, None] * large * large + to).ravel()
        fro = (np.arange(INPUTS)[:, None] * before + fro).ravel()
        for total, kernel in zip(sums, (sigma, theta), strict=True):
            total[np.ix_(to, to)] += kernel[np.ix_(fro, fro)]
    nu = np.tile(count, INPUTS)
    sums = [(1 - BETA**2) * total / np.sqrt(np.outer(nu, nu)) for total in sums]
    after = sums[0] + BETA**2
    return after, after + sums[1]


def check_generator(found: tuple[np.ndarray, np.ndarray]) -> None:
    """The matrix entry by entry, and that its eigenvalues have its trace and its Frobenius norm."""
    kernel, values = found
    gap = np.abs(kernel - by_parents()).max() / kernel.max()
    traces = abs(values.sum() / np.trace(kernel) - 1), abs((values**2).sum() / (kernel**2).sum() - 1)
    if gap > 1e-12 or max(traces) > 1e-12:
        raise SystemExit(f"the generator's kernel is off by {gap:.1e}, its eigenvalues by {traces}")
    print(f"generator: the kernel is off by {gap:.1e} of its largest entry")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", help="write the numbers there, JSON")
    asked = parser.parse_args()
    first = {name: timing.Timing() for name in AIMS}
    laws = timing.stopwatch(degree_laws, first["degree laws"])
    images = timing.stopwatch(generated, first["generator"])
    check_laws(laws)
    check_generator(images)
    timings = timing.race({"degree laws": degree_laws, "generator": generated}, lambda _: None, rounds=asked.rounds)
    rows = [["task", "first run, cpu", "cpu, median", "wall, median", "wall, least", "aim"]]
    for name, clock in timings.items():
        wall = np.median(clock.wall), min(clock.wall)
        numbers = (first[name].cpu[0], clock.median, *wall)
        rows.append([name, *(f"{number:.2f} s" for number in numbers), f"{AIMS[name]:g} s"])
    print(timing.table(rows))
    timing.save(asked.save, {name: clock.summary() for name, clock in timings.items()}, vars(asked))


if __name__ == "__main__":
    main()
