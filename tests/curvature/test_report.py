"""The report: its numbers against the dense matrices, its verdict, its layers, its refusals."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite import curvature
from theodolite.curvature.kinks import kinks
from theodolite.numerics.errors import TooLarge

from . import small

told: list[float] = []


@functools.cache
def posed() -> curvature.Problem:
    return curvature.problem("mse", small.network, small.PARAMS, (small.X, small.Y))


@functools.cache
def found() -> curvature.CurvatureReport:
    return curvature.report(
        posed(), probes=3, steps=30, top=4, progress=lambda done, total, what: told.append(done / total)
    )


@functools.cache
def truth() -> dict[str, np.ndarray]:
    return small.written_down(small.squared)


@pytest.mark.oracle
def test_its_numbers_are_those_of_the_dense_matrices() -> None:
    report, matrices = found(), truth()
    for part in ("hessian", "gauss_newton", "residual"):
        values = np.linalg.eigvalsh(matrices[part])[::-1]
        for order, one in enumerate(report.moments[part], 1):
            assert one.value == pytest.approx(np.sum(values**order), rel=1e-9, abs=1e-12)
            assert one.standard_error == 0
        np.testing.assert_allclose(report.top[part].values[:4], values[:4], rtol=1e-7)
        np.testing.assert_allclose(report.densities[part].support, [values[-1], values[0]], atol=1e-9)
    whole = np.linalg.eigvalsh(matrices["hessian"])
    assert report.learning_rate.value == pytest.approx(2 / whole[-1], rel=1e-7)
    assert report.top["hessian"].values[-1] == pytest.approx(whole[0], rel=1e-6)
    assert report.residual_size.value == pytest.approx(np.abs(np.linalg.eigvalsh(matrices["residual"])).max(), rel=1e-6)
    product = matrices["gauss_newton"] @ matrices["residual"]
    norms = [np.linalg.norm(matrices[part]) for part in ("gauss_newton", "residual")]
    assert report.cosine.value == pytest.approx(np.linalg.norm(product) / np.prod(norms), rel=1e-9)
    assert report.gram_eigenvalues is not None
    np.testing.assert_allclose(report.gram_eigenvalues, np.linalg.eigvalsh(truth()["gram"])[::-1] / 7, atol=1e-12)
    assert report.gradient_norm == pytest.approx(np.linalg.norm(matrices["gradient"]), rel=1e-12)


@pytest.mark.oracle
def test_directions_are_eigenvectors() -> None:
    along = found().along_gauss_newton
    np.testing.assert_allclose(along.gauss_newton, np.linalg.eigvalsh(truth()["gauss_newton"])[::-1][:4], rtol=1e-6)
    values, vectors = np.linalg.eigh(truth()["residual"])
    order = np.argsort(-np.abs(values))[:4]
    np.testing.assert_allclose(np.abs(found().along_residual.residual), np.abs(values[order]), rtol=1e-6)
    curved = np.einsum("ij,jk,ki->i", vectors.T, truth()["gauss_newton"], vectors)[order]
    np.testing.assert_allclose(found().along_residual.gauss_newton, curved, rtol=1e-4, atol=1e-4)


@pytest.mark.montecarlo
def test_layers_have_the_traces_and_eigenvalues_of_their_blocks() -> None:
    table = curvature.layer_table(posed(), probes=400, eigenvalue_products=20)
    assert sum(layer.parameters for layer in table) == small.P
    for layer in table:
        places = np.ix_(*[posed().entries(layer.name)] * 2)
        for part in ("hessian", "gauss_newton", "residual"):
            one = getattr(layer, part)
            assert abs(one.value - np.trace(truth()[part][places])) <= 4 * one.standard_error + 1e-12
        assert layer.largest is not None
        assert layer.largest.value == pytest.approx(np.linalg.eigvalsh(truth()["hessian"][places])[-1], rel=1e-5)


@pytest.mark.exact
def test_the_verdict_follows_the_residual() -> None:
    assert found().verdict == "borderline"
    assert "with a damping above" in found().reason
    with jax.enable_x64(True):
        near = np.asarray(small.network(small.PARAMS, small.X))
    options = {"probes": 2, "steps": 4, "top": 2}
    safe = curvature.report(small.network, small.PARAMS, (small.X, near + 1e-3), **options)
    assert safe.verdict == "safe"
    assert safe.cosine.value < 1


def test_it_says_itself_in_words_and_in_json() -> None:
    document = json.loads(json.dumps(found().to_json()))
    assert document["verdict"] == "borderline"
    assert document["moments"]["residual"][1]["value"] == found().moments["residual"][1].value
    assert [layer["name"] for layer in document["layers"]] == ["first", "last"]
    assert len(document["gram_eigenvalues"]) == 14
    for word in ("Tr S^4", "largest stable learning rate", "last", "Gauss-Newton is borderline: "):
        assert word in str(found())
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_memory_is_estimated_before_a_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curvature.Operator, "rows", None)
    with pytest.raises(TooLarge, match=r"with 200 steps needs .*; steps=\d+ would fit"):
        curvature.report(posed(), steps=200, memory_limit=240 * 150)
    with pytest.raises(TooLarge, match="use fewer steps and top"):
        curvature.report(posed(), memory_limit=240 * 30)


def test_kinks_are_named() -> None:
    x = jnp.ones(3)
    assert kinks(jax.nn.relu, x) == ("max",)
    assert kinks(jax.jit(lambda x: jnp.abs(x).sum()), x) == ("abs",)
    assert kinks(lambda x: jax.nn.gelu(x) + jax.nn.softplus(x) + jax.nn.log_softmax(x), x) == ()
