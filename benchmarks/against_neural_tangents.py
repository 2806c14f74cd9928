"""Kernels at infinite width: ours against neural-tangents 0.6.5, NNGP and NTK of one training set together.

    python benchmarks/against_neural_tangents.py --peer FOLDER/bin/python --cases free3 relu3 relu50

Each contestant is a process of its own; all sit on one core and take turns. Answers are compared before the clock
starts; in float32 also with ours in float64. Compiling is counted apart. Ratios are of median processor times. Memory
is the peak of the process, and in brackets what it grew by. With `--threads 2` ours and X @ X.T have two cores and two
threads, ratios are of median seconds on the wall, and the peer is only asked for its answer. `--peer` defaults to
NEURAL_TANGENTS_PYTHON; benchmarks/neural_tangents/README.md makes that environment. Without it the script says so and
ends.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timing

from theodolite.architectures import (
    Conv,
    Dense,
    Erf,
    Flatten,
    GlobalAveragePool,
    Node,
    Relu,
    Serial,
    Swish,
    Tanh,
    nodes_of,
)
from theodolite.architectures.activation import Activation
from theodolite.numerics.gaussian import nodes as gaussian_nodes

FOLDER = Path(__file__).parent / "neural_tangents"
DEGREE = 25  # of the peer's quadrature, as its documentation suggests
DOUBLE = "ours in float64"
CHECKED = 4  # points whose kernels are computed by a large quadrature


@dataclass(frozen=True)
class Case:
    """A network and the shape of its data; `variants` are the peer's ways to run."""

    net: Node
    shape: tuple[int, ...]
    variants: tuple[str, ...] = ("jit",)
    bent: bool = False  # the peer's tangent kernel loses half its digits where both inputs are one
    quadrature: bool = False  # the peer has no closed form


def fully_connected(activation: Activation, depth: int, bias_std: float = 0.1) -> Node:
    """`depth` weight layers; weights keep the variance of ReLU."""
    layers: list[Node] = [Dense(2**0.5, bias_std)]
    for _ in range(depth - 1):
        layers += [activation, Dense(2**0.5, bias_std)]
    return Serial(tuple(layers))


def convolutional(end: Node) -> Node:
    """Three convolutions 3 x 3 with ReLU, then a dense layer."""
    layers: list[Node] = []
    for _ in range(3):
        layers += [Conv(3, weight_std=2**0.5, bias_std=0.1), Relu()]
    return Serial((*layers, end, Dense()))


def cases(n: int, images: int) -> dict[str, Case]:
    """All cases by name; n rows of vectors, `images` images (fewer where their moments would fill the memory)."""
    vectors = (n, 784)
    few = (max(n // 5, 2), 784)
    return {
        # without biases, the peer's default, the kernels of ReLU are functions of the angle
        "free3": Case(fully_connected(Relu(), 3, 0.0), vectors, ("jit", "plain"), bent=True),
        "free10": Case(fully_connected(Relu(), 10, 0.0), vectors, bent=True),
        "free50": Case(fully_connected(Relu(), 50, 0.0), vectors, ("plain",), bent=True),
        "relu3": Case(fully_connected(Relu(), 3), vectors, ("jit", "plain"), bent=True),
        "relu10": Case(fully_connected(Relu(), 10), vectors, bent=True),
        # compiled as a whole, also inside nt.batch, the peer takes minutes before it starts: the plain call is its best
        "relu50": Case(fully_connected(Relu(), 50), vectors, ("plain",), bent=True),
        "erf3": Case(fully_connected(Erf(), 3), vectors),
        "erf3free": Case(fully_connected(Erf(), 3, 0.0), vectors),
        "tanh3": Case(fully_connected(Tanh(), 3), few, ("jit", "batch:100"), quadrature=True),
        "swish3": Case(fully_connected(Swish(), 3), few, ("jit", "batch:100"), quadrature=True),
        "flatten8": Case(convolutional(Flatten()), (images, 8, 8, 1), bent=True),
        "flatten16": Case(convolutional(Flatten()), (images, 16, 16, 3), bent=True),
        "pool8": Case(convolutional(GlobalAveragePool()), (images, 8, 8, 1), ("jit", "batch:20"), bent=True),
        "pool16": Case(convolutional(GlobalAveragePool()), (max(images // 5, 2), 16, 16, 3), bent=True),
        "pool16batch": Case(convolutional(GlobalAveragePool()), (images, 16, 16, 3), ("batch:10",), bent=True),
    }


class Contestant:
    """A process that answers jobs line by line."""

    def __init__(self, python: str, script: str, job: dict[str, Any], threads: int = 1) -> None:
        self.job = job
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        source = str(Path(__file__).parents[1] / "src")
        paths = {"PYTHONPATH": source} if script == "ours.py" else {}
        self.process = subprocess.Popen(
            [python, str(FOLDER / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | limits | paths,
        )

    def ask(self, **more: Any) -> dict[str, Any]:
        """The reply to the contestant's job with some changes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(self.job | more) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.job['variant']} ended with code {self.process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def compare(name: str, case: Case, peer: str, rounds: int, dtype: str, degree: int, threads: int = 1) -> dict[str, Any]:
    """Times, memory and differences of all contestants of one case."""
    data = np.random.default_rng(0).standard_normal(case.shape).astype(dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "x.npz"))
        np.savez(path, X=data)
        job = {"net": case.net.config(), "data": path, "dtype": dtype, "degree": degree, "repeat": 1}
        runners = {"ours": Contestant(sys.executable, "ours.py", job | {"variant": "jit"}, threads)}
        for variant in case.variants if threads == 1 else case.variants[:1]:
            runners[f"peer {variant}"] = Contestant(peer, "peer.py", job | {"variant": variant})
        runners["X @ X.T"] = Contestant(sys.executable, "ours.py", job | {"variant": "product"}, threads)
        if dtype == "float32":
            runners[DOUBLE] = Contestant(sys.executable, "ours.py", job | {"variant": "jit", "dtype": "float64"})
        try:
            answers, found = {}, {}
            for who, runner in runners.items():
                out = str(Path(folder, f"{who.replace(' ', '_').replace('@', 'at')}.npz"))
                found[who] = runner.ask(mode="answer", out=out) | {"wall": [], "cpu": []}
                if "refused" in found[who]:
                    raise RuntimeError(f"{who} refused {name}: {found[who]['refused']}")
                with np.load(out, allow_pickle=False) as arrays:
                    answers[who] = dict(arrays)
                Path(out).unlink()
            differences = check(name, case, data, answers, dtype)
            names = [who for who in runners if who != DOUBLE and not (threads > 1 and who.startswith("peer"))]
            for turn in range(rounds):
                for who in names[turn % len(names) :] + names[: turn % len(names)]:
                    reply = runners[who].ask(mode="time")
                    found[who]["wall"] += reply["wall"]
                    found[who]["cpu"] += reply["cpu"]
                    found[who]["rss_peak"] = reply["rss_peak"]
        finally:
            for runner in runners.values():
                runner.close()
    rows = {who: summary(found[who]) for who in names}
    clock = "cpu_median" if threads == 1 else "wall_median"
    theirs = [row[clock] for who, row in rows.items() if who.startswith("peer")]
    return {
        "case": name,
        "net": repr(case.net),
        "shape": case.shape,
        "differences": differences,
        "contestants": rows,
        "clock": clock,
        "best_peer_over_ours": min(theirs) / rows["ours"][clock] if theirs else None,
        "ours_over_product": rows["ours"][clock] / rows["X @ X.T"][clock],
    }


def summary(reply: dict[str, Any]) -> dict[str, float]:
    """Median and least seconds, the time before the first answer, and memory in MB."""
    return {
        "cpu_median": float(np.median(reply["cpu"])),
        "cpu_min": float(np.min(reply["cpu"])),
        "wall_median": float(np.median(reply["wall"])),
        "wall_min": float(np.min(reply["wall"])),
        "prepare": reply["prepare"],
        "first": reply["first"],
        "memory": reply["rss_peak"],
        "memory_grown": reply["rss_peak"] - reply["rss_before"],
    }


def check(name: str, case: Case, data: np.ndarray, answers: dict, dtype: str) -> dict[str, float]:
    """Largest differences, in units of the largest entry; raises when ours is wrong."""
    ours, theirs = answers["ours"], answers[f"peer {case.variants[0]}"]
    off = ~np.eye(len(data), dtype=bool)
    loose = 1e-9 if dtype == "float64" else 1e-4
    out = {}
    if DOUBLE in answers:  # single precision against double, in units of the largest entry
        for kind, exact in answers[DOUBLE].items():
            for who, answer in answers.items():
                if who not in (DOUBLE, "X @ X.T"):
                    gap = np.abs(answer[kind] - exact) / np.abs(exact).max()
                    out[f"{who}, error of {kind} off the diagonal"] = float(gap[off].max())
                    out[f"{who}, error of {kind} on the diagonal"] = float(gap[~off].max())
    for kind in ("nngp", "ntk"):
        scale = np.abs(theirs[kind]).max()
        gap = np.abs(ours[kind] - theirs[kind]) / scale
        out[f"{kind} off the diagonal"], out[f"{kind} diagonal"] = float(gap[off].max()), float(gap[~off].max())
    if case.quadrature:
        points = slice(0, CHECKED)
        for kind, exact in by_quadrature(case.net, data[points].astype(float)).items():
            for who in ("ours", f"peer {case.variants[0]}"):
                error = np.abs(answers[who][kind][points, points] - exact).max() / np.abs(exact).max()
                out[f"{who}, error of {kind}"] = float(error)
        worst = max(value for key, value in out.items() if key.startswith("ours, error"))
    else:
        worst = max(
            value for key, value in out.items() if key.startswith(("nngp", "ntk")) and ("off" in key or not case.bent)
        )
    assert worst < loose, f"{name}: the answers disagree: {out}"
    return out


def by_quadrature(net: Node, x: np.ndarray) -> dict[str, np.ndarray]:
    """NNGP and NTK of a few points by a quadrature of about a million nodes for each pair and layer."""
    z, w = gaussian_nodes()
    keep = w > 1e-20
    z, w = z[keep], w[keep]
    nngp = x @ x.T / x.shape[1]
    ntk = np.zeros_like(nngp)
    for node in nodes_of(net):
        if isinstance(node, Dense):
            nngp = node.weight_std**2 * nngp + node.bias_std**2
            ntk = node.weight_std**2 * ntk + nngp
        elif isinstance(node, Activation):
            values, slopes = (_expectations(function, nngp, z, w) for function in (node, node.derivative))
            nngp, ntk = values, slopes * ntk
        else:
            raise ValueError(f"this check reads dense layers and activations, got {node!r}")
    return {"nngp": nngp, "ntk": ntk}


def _expectations(function: Callable[[np.ndarray], np.ndarray], cov: np.ndarray, z: np.ndarray, w: np.ndarray) -> Any:
    """E f(u) f(v) for all pairs of Gaussian variables with covariance `cov`."""
    out = np.empty_like(cov)
    for i in range(len(cov)):
        for j in range(i + 1):
            along, across = cov[i, j] / np.sqrt(cov[i, i]), cov[j, j] - cov[i, j] ** 2 / cov[i, i]
            second = function(along * z[:, None] + np.sqrt(max(across, 0.0)) * z) @ w
            out[i, j] = out[j, i] = w @ (function(np.sqrt(cov[i, i]) * z) * second)
    return out


def rows_of(outcome: dict[str, Any]) -> list[list[str]]:
    """One line of the table for each contestant."""
    lines = []
    mine = outcome["contestants"]["ours"][outcome["clock"]]
    for who, row in outcome["contestants"].items():
        lines.append(
            [
                outcome["case"],
                "x".join(map(str, outcome["shape"])),
                who,
                f"{row['cpu_median']:.3f}",
                f"{row['cpu_min']:.3f}",
                f"{row['wall_median']:.3f}",
                f"{row['prepare']:.2f} + {row['first']:.2f}",
                f"{row['memory']:.0f} ({row['memory_grown']:.0f})",
                f"{row[outcome['clock']] / mine:.2f}",
            ]
        )
    return lines


def main() -> None:
    known = list(cases(2000, 200))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=os.environ.get("NEURAL_TANGENTS_PYTHON"), help="the peer's interpreter")
    parser.add_argument("--cases", nargs="+", default=known, choices=known, metavar="CASE", help=", ".join(known))
    parser.add_argument("--rows", type=int, default=2000, help="vectors; a fifth of them for tanh and swish")
    parser.add_argument("--images", type=int, default=200, help="images; a fifth of them for pool16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", default="float64", choices=("float64", "float32"))
    parser.add_argument("--degree", type=int, default=DEGREE, help="of the peer's quadrature for tanh and swish")
    parser.add_argument("--core", type=int, help="the core that all contestants share; the last one unless given")
    parser.add_argument("--threads", type=int, default=1, help="of ours and of X @ X.T, each on a core of its own")
    parser.add_argument("--out", help="JSON file")
    options = parser.parse_args()
    if not options.peer or not Path(options.peer).exists():
        print("skipped: no interpreter of neural-tangents; give --peer or set NEURAL_TANGENTS_PYTHON")
        return
    if hasattr(os, "sched_setaffinity"):  # inherited by the contestants
        cores = sorted(os.sched_getaffinity(0))[-options.threads :] if options.core is None else [options.core]
        os.sched_setaffinity(0, cores)
    head = [
        "case", "data", "contestant", "cpu, s", "least", "wall, s", "prepare + first, s", "peak MB (grown)", "over ours"
    ]  # fmt: skip
    rows, measured = [head], []
    for name in options.cases:
        case = cases(options.rows, options.images)[name]
        outcome = compare(name, case, options.peer, options.rounds, options.dtype, options.degree, options.threads)
        measured.append(outcome)
        rows += rows_of(outcome)
        print(timing.table([head, *rows_of(outcome)]))
        print(
            "\n" + ", ".join(f"{what} {value:.1e}" for what, value in outcome["differences"].items()) + "\n", flush=True
        )
    print("\n" + timing.table(rows))
    timing.save(options.out, measured, {**vars(options), "peer": "neural-tangents 0.6.5, jax 0.4.30"})


if __name__ == "__main__":
    main()
