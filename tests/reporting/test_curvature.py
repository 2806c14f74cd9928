"""The page, tables and figures of a curvature report."""

import numpy as np
from rich.console import Console

from theodolite import curvature
from theodolite.curvature.report_record import CurvatureReport, Directions
from theodolite.reporting import write_curvature_page
from theodolite.reporting.curvature import curvature_figures
from theodolite.reporting.terminal_curvature import curvature_table, layers_table

random = np.random.default_rng(3)


def made(name: str = "first", verdict: str = "safe") -> CurvatureReport:
    """A report of diagonal matrices: no network takes part."""
    parts = {
        "hessian": np.diag(np.concatenate([[9.0, 4.0], random.normal(size=40)])),
        "gauss_newton": np.diag(np.concatenate([[8.0, 4.0], np.zeros(40)])),
        "residual": np.diag(random.normal(size=42)),
    }
    one = curvature.Estimate(1.0, 0.1, 4, "hutchinson")
    tops = {part: curvature.top_eigenvalues(matrix, 4, lowest=1) for part, matrix in parts.items()}
    return CurvatureReport(
        parameters=42, rows=7, outputs=1, dtype="float64", loss="mse", value=0.5, gradient_norm=0.1,
        moments={part: curvature.moments(matrix) for part, matrix in parts.items()},
        cosine=one, top=tops,
        along_gauss_newton=Directions(np.array([8.0, 4.0]), np.array([0.1, -0.2])),
        along_residual=Directions(np.array([0.0, 0.1]), np.array([2.0, -2.1])),
        densities={part: curvature.spectral_density(matrix, probes=3) for part, matrix in parts.items()},
        gram_eigenvalues=np.array([8.0, 4.0]),
        layers=tuple(curvature.LayerCurvature(f"{name} {i}", 14, one, one, one, one if i else None) for i in range(30)),
        learning_rate=one, verdict=verdict, reason="the residual is small", notes=("a note",), seconds=1.0,
    )  # fmt: skip


def test_the_page_says_everything_and_loads_nothing(tmp_path) -> None:
    path = write_curvature_page(made(), tmp_path / "page.html", name="<b>mine</b>", notes=["another <i>note</i>"])
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "Gauss-Newton is safe here" in page
    assert "&lt;b&gt;mine&lt;/b&gt;" in page
    assert "another &lt;i&gt;note" in page
    assert "<script" not in page
    assert 'src="http' not in page
    for words in ("The residual is small.", "Tr S^4", "first 29", "6 layers with smaller traces are left out"):
        assert words in page


def test_names_of_users_do_not_break_figures() -> None:
    item = curvature_figures(made(name="$\\frac{<layer>&"))[-1]
    assert item.wide().startswith("<svg")
    assert item.narrow().startswith("<svg")


def test_tables_fit_a_terminal() -> None:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(curvature_table(made()))
    console.print(layers_table(made()))
    text = console.export_text()
    assert "first 29" in text
    assert "1.00 ± 0.10" in text
    assert max(map(len, text.splitlines())) <= 100
