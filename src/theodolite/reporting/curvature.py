"""The page of a curvature report: verdict, numbers, densities, directions, layers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from theodolite._version import __version__
from theodolite.reporting import pages, words
from theodolite.reporting.captions import Illustration
from theodolite.reporting.terminal_curvature import said

if TYPE_CHECKING:
    from theodolite.curvature import CurvatureReport

MOODS = {"safe": "good", "borderline": "unsure", "not safe": "bad"}
SYMBOLS = {"safe": "✓", "borderline": "△", "not safe": "✗"}


def write_curvature_page(
    report: "CurvatureReport", path: str | Path, *, name: str = "a model", notes: Sequence[str] = ()
) -> Path:
    """Write the page of a curvature report, whole or not at all; it loads nothing and runs no script. Raises: OSError.

    Args: report, of `curvature.report`; path, of the file; name of the model; notes to add.
    """
    return pages.write(path, curvature_page(report, name=name, notes=notes))


def curvature_page(report: "CurvatureReport", *, name: str = "a model", notes: Sequence[str] = ()) -> str:
    """The page as text."""
    return pages.render("curvature.html.j2", c=_content(report, name, notes))


def _content(found: "CurvatureReport", name: str, notes: Sequence[str]) -> dict[str, Any]:
    figures = curvature_figures(found)
    largest = found.top["hessian"]
    return {
        "name": words.plain(name),
        "headline": f"Gauss-Newton is {found.verdict} here",
        "verdict": words.Verdict(SYMBOLS.get(found.verdict, "·"), found.verdict, MOODS.get(found.verdict, "plain")),
        "reason": f"{found.reason[:1].upper()}{found.reason[1:]}.",
        "facts": [
            ("Parameters", words.count(found.parameters), found.dtype),
            ("Data", f"{words.count(found.rows)} rows", f"{found.outputs} outputs each"),
            ("Loss", words.number(found.value, 4), f"{found.loss}, gradient {words.number(found.gradient_norm)}"),
            ("Largest eigenvalue", words.number(float(largest.values[0]), 4), "of the Hessian"),
            ("Largest stable learning rate", said(found.learning_rate), "2 over the largest eigenvalue"),
            ("cos(I, S)", said(found.cosine), "0: the parts see different directions"),
        ],
        "rows": [(label, said(one), one.method, meaning) for label, one, meaning in found.quantities()],
        "layers": [
            (
                words.plain(layer.name),
                words.count(layer.parameters),
                said(layer.gauss_newton),
                said(layer.residual),
                words.MISSING if layer.largest is None else said(layer.largest),
            )
            for layer in found.layers
        ],
        "figures": figures,
        "notes": [words.plain(note) for note in (*notes, *found.notes)],
        "version": __version__,
        "seconds": words.duration(found.seconds),
    }


def curvature_figures(found: "CurvatureReport") -> list[Illustration]:
    """The figures with their captions: each caption says what to see."""
    from theodolite.reporting.figures.curvature_density import curvature_density
    from theodolite.reporting.figures.curvature_directions import curvature_directions
    from theodolite.reporting.figures.curvature_layers import curvature_layers, shown_layers

    of_squares = found.loss == "mse"
    kernel = "the eigenvalues of the tangent kernel over N" if of_squares else "those of the tangent kernel, weighed"
    left_out = len(found.layers) - len(shown_layers(found))
    return [
        Illustration(
            key="densities",
            title="The spectra of H, I and S",
            caption=(
                "How many eigenvalues lie around each place, on a logarithmic scale; bands are one standard error over "
                f"{len(found.densities['hessian'].nodes)} random vectors. The ticks below mark the eigenvalues of "
                f"Gauss-Newton that the data allow ({kernel}) and the ends of the Hessian: where they meet, the "
                "outliers of the Hessian are the kernel's. What lies below zero comes from the residual."
            ),
            description="Densities of the Hessian, of Gauss-Newton and of the residual on one axis.",
            draw=lambda narrow: curvature_density(found, narrow=narrow),
        ),
        Illustration(
            key="directions",
            title="Who curves where",
            caption=(
                "Along each leading eigenvector of one part, the curvature that either part has. Where the other bar "
                "is flat, the two parts act on different directions and the Hessian's spectrum is that of both."
            ),
            description="Paired bars of v'Iv and v'Sv along the leading eigenvectors of I and of S.",
            draw=lambda narrow: curvature_directions(found, narrow=narrow),
        ),
        Illustration(
            key="layers",
            title="Layer by layer",
            caption=(
                "The trace of each layer's diagonal block, from the same random vectors for all layers; strokes are "
                "one standard error." + (f" {left_out} layers with smaller traces are left out." if left_out else "")
            ),
            description=f"Traces of Gauss-Newton and of the residual for {len(found.layers)} layers.",
            draw=lambda narrow: curvature_layers(found, narrow=narrow),
        ),
    ]
