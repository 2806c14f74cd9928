"""Writes tests/infinite_width/neural_tangents.json: kernels of many architectures by neural-tangents, in float64.

    python benchmarks/neural_tangents/reference.py --peer FOLDER/bin/python

Some entries of its matrices are left out of comparisons, as "compare" says:

- "everywhere";
- "off the diagonal": piecewise linear activations take a square root of q1 q2 - c^2 where both inputs are one, and the
  tangent kernel is off by 1e-9 to 1e-8 there; Step and SquaredRelu take an arc cosine, which gives null;
- "off parallel inputs": the same, also for the pairs of inputs on one line through the origin.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from theodolite.architectures import (
    Abs,
    Affine,
    AveragePool,
    Conv,
    ConvTranspose,
    Cos,
    Dense,
    Dropout,
    Erf,
    Exp,
    Flatten,
    Gaussian,
    Gelu,
    GlobalAveragePool,
    GlobalSumPool,
    Hermite,
    LayerNorm,
    LeakyRelu,
    LinearAttention,
    Monomial,
    Node,
    ParallelSum,
    Polynomial,
    RbfFeature,
    Relu,
    Reshape,
    Residual,
    SelfAttention,
    Sign,
    Sin,
    SquaredRelu,
    Step,
    SumPool,
)
from theodolite.architectures.activation import Activation

TARGET = Path(__file__).parents[2] / "tests" / "infinite_width" / "neural_tangents.json"
EVERYWHERE, OFF_DIAGONAL, OFF_PARALLEL = "everywhere", "off the diagonal", "off parallel inputs"
BENT = (Relu, LeakyRelu, Abs, SquaredRelu, Sign, Step)

BOUNDED: tuple[Activation, ...] = (
    Relu(),
    LeakyRelu(0.2),
    Abs(),
    Erf(),
    Gelu(),
    Sin(1.3, 0.8, 0.4),
    Cos(),
    RbfFeature(0.7),
    Gaussian(),
)
GROWING: tuple[Activation, ...] = (
    Exp(0.6),
    SquaredRelu(),
    Polynomial((0.3, -0.5, 0.2, 0.1)),
    Monomial(2),
    Monomial(3),
    Hermite(3),
)


def inputs() -> dict[str, list]:
    """Vectors, (0, 1) collinear and (2, 3) antipodal; others to pair them with; sequences; images."""
    rng = np.random.default_rng(2020)
    vectors = np.round(rng.standard_normal((5, 3)), 3)
    vectors[1], vectors[3] = 2 * vectors[0], -vectors[2]
    others = np.round(rng.standard_normal((2, 3)), 3)
    others[1] = vectors[4]
    return {
        "vectors": vectors.tolist(),
        "others": others.tolist(),
        "sequences": np.round(rng.standard_normal((3, 6, 2)), 3).tolist(),
        "images": np.round(rng.standard_normal((3, 5, 4, 2)), 3).tolist(),
    }


def fully_connected() -> list[dict]:
    """Depth 2 without biases, 3 with, 5 with small ones; growing activations go deep behind a layer norm."""
    rows = []
    for activation in (*BOUNDED, *GROWING):
        grows = activation in GROWING
        weight = 0.8 if grows else 1.2
        compare = OFF_PARALLEL if isinstance(activation, BENT) else EVERYWHERE
        deep: list[Node] = [LayerNorm(), activation.standardised()] if grows else [activation]
        name = type(activation).__name__ + (str(activation.power) if isinstance(activation, Monomial) else "")
        rows.append(_row(f"{name}, depth 2", _repeat(Dense(weight), [activation], 2), compare))
        if isinstance(activation, SquaredRelu):  # theirs has no variances, hence no numbers, from depth 3 on
            rows.append(_row(f"{name}, depth 2, biases", _repeat(Dense(1.1, 0.3), [activation], 2), compare))
            continue
        rows += [
            _row(f"{name}, depth 3, biases", _repeat(Dense(weight, 0.3), [activation], 3), compare),
            _row(f"{name}, depth 5, biases", _repeat(Dense(1.1, 0.1), deep, 5), compare),
        ]
    for activation in (Sign(), Step()):
        name = type(activation).__name__
        rows.append(_row(f"{name}, depth 2", Dense() >> activation >> Dense(1.3, 0.2), OFF_PARALLEL, get=("nngp",)))
    affine = Affine(Gelu(), 1.3, -0.2)
    rows += [
        _row("Relu normalised, depth 3", _repeat(Dense(1.0, 0.2), [Relu().normalised()], 3), OFF_PARALLEL),
        _row("Gelu normalised, depth 3", _repeat(Dense(1.0, 0.2), [Gelu().normalised()], 3)),
        _row("Gaussian normalised, depth 3", _repeat(Dense(1.0, 0.2), [Gaussian().normalised()], 3)),
        _row("Sin standardised, depth 3", _repeat(Dense(1.0, 0.2), [Sin(1.0, 1.5).standardised()], 3)),
        _row("Gelu affine, depth 3", _repeat(Dense(1.0, 0.2), [affine], 3)),
        _row("dropout, Relu", Dense(1.2, 0.1) >> Relu() >> Dropout(0.3) >> Dense(1.1, 0.2), OFF_PARALLEL),
        _row("dropout, Erf twice", _repeat(Dense(1.2, 0.1), [Erf(), Dropout(0.2)], 3)),
        _row("layer norm, Relu", _repeat(Dense(1.2, 0.1), [LayerNorm(), Relu()], 3), OFF_PARALLEL),
        _row("layer norm, Erf", _repeat(Dense(1.2, 0.1), [LayerNorm(), Erf()], 3)),
        _row(
            "residual, Erf",
            Dense(1.1, 0.1) >> Residual(Erf() >> Dense(0.7)) >> Residual(Erf() >> Dense(0.5, 0.2)) >> Dense(),
        ),
        _row(
            "parallel sum",
            Dense(1.1, 0.1)
            >> ParallelSum((Erf() >> Dense(0.7), Gelu() >> Dense(1.2, 0.3) >> Sin() >> Dense(), Dense(0.4)))
            >> Erf()
            >> Dense(),
        ),
        _row("two inputs, Relu", _repeat(Dense(1.2, 0.1), [Relu()], 3), OFF_PARALLEL, other="others"),
        _row("two inputs, Gelu", _repeat(Dense(1.2, 0.1), [Gelu()], 3), other="others"),
        _row("two inputs, dropout", _repeat(Dense(1.2, 0.1), [Erf(), Dropout(0.2)], 3), other="others"),
    ]
    return rows


def with_positions() -> list[dict]:
    """Convolutions, pooling, blocks and attention over sequences and images."""
    head = Dense(1.1, 0.1)
    gelu_conv = Gelu() >> Conv(2, bias_std=0.1)
    return [
        _sequence("conv SAME, Relu", Conv(3, bias_std=0.2) >> Relu() >> Conv(3) >> Relu() >> Flatten() >> head, True),
        _sequence("conv SAME, Erf", Conv(3, bias_std=0.2) >> Erf() >> Conv(3) >> Erf() >> Flatten() >> head),
        _sequence("conv VALID", Conv(3, padding="VALID", weight_std=1.3) >> Erf() >> Flatten() >> head),
        _sequence("conv CIRCULAR", Conv(3, padding="CIRCULAR") >> gelu_conv >> GlobalAveragePool() >> head),
        _sequence("conv SAME, strides", Conv(3, 2, bias_std=0.2) >> Erf() >> Conv(2, 2) >> Flatten() >> head),
        _sequence("conv CIRCULAR, strides", Conv(3, 2, "CIRCULAR") >> Erf() >> Flatten() >> head),
        _sequence("conv SAME, even window", Conv(4) >> Erf() >> Conv(4, padding="CIRCULAR") >> Flatten() >> head),
        _sequence("average pool", Conv(3) >> Erf() >> AveragePool(2) >> Conv(2) >> Erf() >> Flatten() >> head),
        _sequence("sum pool, overlapping", Conv(3) >> Erf() >> SumPool(3, 1) >> Conv(2) >> Erf() >> Flatten() >> head),
        _sequence("global sum pool", Conv(3, weight_std=1.2) >> Erf() >> GlobalSumPool() >> head),
        _sequence("flatten first", Flatten() >> Dense(1.1, 0.1) >> Erf() >> Dense()),
        _sequence(
            "dense at each position", Dense(1.2, 0.1) >> Gelu() >> Dense() >> Erf() >> GlobalAveragePool() >> head
        ),
        _sequence("layer norm", Conv(3, bias_std=0.1) >> LayerNorm() >> Erf() >> GlobalAveragePool() >> head),
        _sequence("dropout", Conv(3) >> Erf() >> Dropout(0.3) >> Conv(3) >> Erf() >> GlobalAveragePool() >> head),
        _sequence(
            "transposed conv", Conv(3) >> Erf() >> ConvTranspose(4, 2, bias_std=0.1) >> Erf() >> Flatten() >> head
        ),
        _sequence(
            "transposed conv CIRCULAR",
            Conv(3) >> Erf() >> ConvTranspose(4, 2, "CIRCULAR") >> Erf() >> Flatten() >> head,
        ),
        _sequence("transposed conv, odd window", ConvTranspose(3, 2) >> Erf() >> Flatten() >> head),
        _sequence("attention", Dense() >> SelfAttention(1.1, 1.2, 0.1) >> GlobalAveragePool() >> head),
        _sequence(
            "attention twice",
            Dense(1.2, 0.1) >> SelfAttention(0.9) >> Gelu() >> SelfAttention(1.3, 1.1, 0.2) >> Flatten() >> head,
        ),
        _sequence(
            "attention, residual",
            Dense(1.2)
            >> Residual(SelfAttention())
            >> Residual(LayerNorm() >> Dense() >> Gelu() >> Dense())
            >> GlobalAveragePool()
            >> head,
        ),
        _sequence("linear attention", Dense(1.1, 0.1) >> LinearAttention(0.8, 0.2) >> Erf() >> Flatten() >> head),
        _sequence("linear attention, global", Dense() >> LinearAttention(0.6) >> GlobalAveragePool() >> head),
        _image("conv SAME, Relu", Conv(3, bias_std=0.1) >> Relu() >> Conv(3) >> Relu() >> Flatten() >> head, True),
        _image(
            "conv SAME, Erf", Conv(3, bias_std=0.1) >> Erf() >> Conv((3, 2)) >> Erf() >> GlobalAveragePool() >> head
        ),
        _image("conv VALID, strides", Conv((3, 2), (2, 1), "VALID") >> Erf() >> GlobalAveragePool() >> head),
        _image("conv CIRCULAR, strides", Conv(3, 2, "CIRCULAR", 1.2) >> Gelu() >> Conv(2) >> Flatten() >> head),
        _image("average pool", Conv(3) >> Erf() >> AveragePool(2) >> Conv(2) >> Erf() >> Flatten() >> head),
        _image(
            "sum pool, strides", Conv((2, 3)) >> Erf() >> SumPool((2, 3), (2, 1)) >> Conv((1, 2)) >> Flatten() >> head
        ),
        _image(
            "residual",
            Conv(3)
            >> Residual(Relu() >> Conv(3, weight_std=0.7))
            >> Residual(Erf() >> Conv((1, 3), bias_std=0.1))
            >> GlobalAveragePool()
            >> head,
            True,
        ),
        _image(
            "parallel sum of one and two convolutions",
            Conv(3)
            >> ParallelSum((Erf() >> Conv((3, 1)), Gelu() >> Conv((1, 3)) >> Erf() >> Conv((3, 2))))
            >> Erf()
            >> Flatten()
            >> head,
        ),
        _image("attention over two axes", Conv(2) >> SelfAttention(1.1, 1.0, 0.1) >> Erf() >> Flatten() >> head),
        _image("transposed conv", Conv((3, 2), 2) >> Erf() >> ConvTranspose((4, 3), (2, 1)) >> Flatten() >> head),
        _row("vectors read as sequences", Reshape((3, 1)) >> Conv(2) >> Erf() >> Flatten() >> head),
    ]


def _repeat(layer: Dense, between: list[Node], depth: int) -> Node:
    net: Node = layer
    for _ in range(depth - 1):
        for node in between:
            net = net >> node
        net = net >> layer
    return net


def _row(name: str, net: Node, compare: str = EVERYWHERE, on: str = "vectors", **more: object) -> dict:
    return {"name": name, "input": on, "compare": compare, "net": net.config()} | more


def _sequence(name: str, net: Node, bent: bool = False) -> dict:
    return _row(f"sequences: {name}", net, OFF_DIAGONAL if bent else EVERYWHERE, "sequences")


def _image(name: str, net: Node, bent: bool = False) -> dict:
    return _row(f"images: {name}", net, OFF_DIAGONAL if bent else EVERYWHERE, "images")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="the interpreter of the environment of neural-tangents")
    parser.add_argument("--out", default=str(TARGET))
    options = parser.parse_args()
    arrays, rows = inputs(), [*fully_connected(), *with_positions()]
    assert len({row["name"] for row in rows}) == len(rows), "two architectures share a name"
    with tempfile.TemporaryDirectory() as folder:
        jobs = []
        for i, row in enumerate(rows):
            data, out = Path(folder, f"in{i}.npz"), Path(folder, f"out{i}.npz")
            second = {"Z": np.array(arrays[row["other"]])} if "other" in row else {}
            np.savez(data, X=np.array(arrays[row["input"]]), **second)
            get = list(row.pop("get", ("nngp", "ntk")))
            jobs.append(json.dumps({"net": row["net"], "data": str(data), "get": get, "out": str(out)}))
        command = [options.peer, str(Path(__file__).with_name("peer.py"))]
        subprocess.run(command, input="\n".join(jobs), text=True, check=True, stdout=subprocess.DEVNULL)
        for i, row in enumerate(rows):
            with np.load(Path(folder, f"out{i}.npz"), allow_pickle=False) as found:
                row |= {name: _plain(found[name]) for name in found}
    record = {
        "provenance": "neural-tangents 0.6.5, jax and jaxlib 0.4.30, numpy 1.26.4, scipy 1.12.0, float64, CPU, "
        'parameterization="ntk"; translated by benchmarks/neural_tangents/translation.py, which says where the two '
        "libraries differ in meaning; the cross term of shifted activations (normalised, affine) is its own.",
        "command": "python benchmarks/neural_tangents/reference.py --peer PYTHON",
        "compare": __doc__.split("\n\n")[-1],
        "parallel": {"vectors": [[0, 1], [2, 3]], "vectors and others": [[4, 1]]},
        "inputs": arrays,
    }
    head = json.dumps(record, indent=1).removesuffix("\n}")
    body = ",\n".join(json.dumps(row) for row in rows)
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    Path(options.out).write_text(f'{head},\n "kernels": [\n{body}\n]\n}}\n', encoding="utf-8")
    print(f"{len(rows)} architectures, {Path(options.out).stat().st_size / 1000:.0f} kB", file=sys.stderr)


def _plain(matrix: np.ndarray) -> list:
    """Rows of numbers, null where the peer has none."""
    return [[float(x) if np.isfinite(x) else None for x in row] for row in matrix]


if __name__ == "__main__":
    main()
