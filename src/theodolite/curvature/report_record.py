"""What a curvature report holds, and how it says it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.layer_table import LayerCurvature
from theodolite.curvature.spectral_density import SpectralDensity
from theodolite.curvature.top_eigenvalues import TopEigenvalues
from theodolite.numerics.files import json_ready

PARTS = ("hessian", "gauss_newton", "residual")


@dataclass(frozen=True)
class Directions:
    """Unit eigenvectors of one part and how both parts curve along them: v' I v and v' S v, each (m,)."""

    gauss_newton: np.ndarray
    residual: np.ndarray


@dataclass(frozen=True)
class CurvatureReport:
    """What `report` found.

    Attributes: parameters P, rows N, outputs k a row; loss, its name; value and gradient_norm of the loss; moments, of
    "hessian", "gauss_newton" and "residual", Tr A^1 to Tr A^4; cosine, cos(I, S); top, the ends of the three spectra;
    along_gauss_newton, along_residual: the Directions of their leading eigenvectors; densities; gram_eigenvalues, all
    eigenvalues of I that can be other than 0, falling (for the squared cost those of the tangent kernel over N), or
    None where N k is too large; layers; learning_rate, the largest stable one; verdict and its reason; notes; seconds.
    """

    parameters: int
    rows: int
    outputs: int
    dtype: str
    loss: str
    value: float
    gradient_norm: float
    moments: dict[str, tuple[Estimate, ...]] = field(repr=False)
    cosine: Estimate
    top: dict[str, TopEigenvalues] = field(repr=False)
    along_gauss_newton: Directions = field(repr=False)
    along_residual: Directions = field(repr=False)
    densities: dict[str, SpectralDensity] = field(repr=False)
    gram_eigenvalues: np.ndarray | None = field(repr=False)
    layers: tuple[LayerCurvature, ...] = field(repr=False)
    learning_rate: Estimate
    verdict: str
    reason: str
    notes: tuple[str, ...]
    seconds: float

    @property
    def residual_size(self) -> Estimate:
        """|S|op, the largest |eigenvalue| of S, with its bound."""
        top = self.top["residual"]
        place = int(np.argmax(np.abs(top.values)))
        return Estimate(float(abs(top.values[place])), float(top.bounds[place]), top.products, "Lanczos")

    def quantities(self) -> list[tuple[str, Estimate, str]]:
        """The numbers of the table: name, value, meaning."""
        signs = {"hessian": "H", "gauss_newton": "I", "residual": "S"}
        found = [
            (f"Tr {signs[part]}" + (f"^{order}" if order > 1 else ""), one, _meaning(part, order))
            for order in range(1, len(self.moments["hessian"]) + 1)
            for part in PARTS
            for one in [self.moments[part][order - 1]]
        ]
        ends = [("hessian", "H"), ("gauss_newton", "I")]
        found += [(f"largest eigenvalue of {sign}", _first(self.top[part]), "with its bound") for part, sign in ends]
        lowest = self.top["hessian"]
        found += [
            ("lowest eigenvalue of H", _last(lowest), "negative: a direction that leads down"),
            ("|S|op", self.residual_size, "largest |eigenvalue| of the residual"),
            ("cos(I, S)", self.cosine, "0: the parts act on different directions"),
            ("largest stable learning rate", self.learning_rate, "2 over the largest eigenvalue of H"),
        ]
        return found

    def to_json(self) -> dict[str, Any]:
        """Everything as what JSON knows; vectors are left out."""

        def estimate(one: Estimate) -> dict[str, Any]:
            return {"value": one.value, "error": one.standard_error, "products": one.products, "method": one.method}

        return json_ready(
            {
                "parameters": self.parameters,
                "rows": self.rows,
                "outputs": self.outputs,
                "dtype": self.dtype,
                "loss": {"name": self.loss, "value": self.value, "gradient_norm": self.gradient_norm},
                "verdict": self.verdict,
                "reason": self.reason,
                "moments": {part: [estimate(one) for one in self.moments[part]] for part in PARTS},
                "cosine": estimate(self.cosine),
                "learning_rate": estimate(self.learning_rate),
                "eigenvalues": {
                    part: {"values": top.values, "bounds": top.bounds, "products": top.products}
                    for part, top in self.top.items()
                },
                "directions": {
                    name: {"gauss_newton": found.gauss_newton, "residual": found.residual}
                    for name, found in (
                        ("of gauss_newton", self.along_gauss_newton),
                        ("of residual", self.along_residual),
                    )
                },
                "densities": {
                    part: {"nodes": one.nodes, "weights": one.weights} for part, one in self.densities.items()
                },
                "gram_eigenvalues": self.gram_eigenvalues,
                "layers": [
                    {
                        "name": layer.name,
                        "parameters": layer.parameters,
                        **{part: estimate(getattr(layer, part)) for part in PARTS},
                        "largest": None if layer.largest is None else estimate(layer.largest),
                    }
                    for layer in self.layers
                ],
                "notes": self.notes,
                "seconds": self.seconds,
            }
        )

    def __str__(self) -> str:
        head = (
            f"{self.parameters:,} parameters, {self.rows:,} rows, {self.outputs} outputs; {self.loss} {self.value:.6g}"
        )
        names = [f"  {name:30s} {one!s:24s} {meaning}" for name, one, meaning in self.quantities()]
        layers = [f"  {layer.name:30s} Tr I {layer.gauss_newton!s:20s} Tr S {layer.residual}" for layer in self.layers]
        return "\n".join(
            [head, *names, "layers", *layers, *self.notes, f"Gauss-Newton is {self.verdict}: {self.reason}"]
        )


def _meaning(part: str, order: int) -> str:
    whole = {"hessian": "Hessian", "gauss_newton": "Gauss-Newton", "residual": "residual S = H - I"}[part]
    what = {1: "sum of the eigenvalues", 2: "squared Frobenius norm"}.get(order, f"sum of the eigenvalues^{order}")
    return f"{whole}: {what}"


def _first(top: TopEigenvalues) -> Estimate:
    return Estimate(float(top.values[0]), float(top.bounds[0]), top.products, "Lanczos")


def _last(top: TopEigenvalues) -> Estimate:
    return Estimate(float(top.values[-1]), float(top.bounds[-1]), top.products, "Lanczos")
