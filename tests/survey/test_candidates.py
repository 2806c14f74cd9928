"""The list of candidates: names, lengthscales, files."""

import json

import numpy as np
import pytest

from theodolite.kernels import RBF, LaplaceL1, median_distances
from theodolite.numerics import BadInput
from theodolite.survey.candidates import FAMILIES, MULTIPLES, candidates, read_candidates


def test_the_default_set_covers_seven_families_from_the_start(rng):
    entries = candidates(None, rng.standard_normal((50, 3)))
    assert len(entries) == 34
    assert len({entry.name for entry in entries}) == 34
    assert len({entry.name.split(",")[0] for entry in entries[:7]}) == 7


def test_lengthscales_are_multiples_of_the_median_distance(rng):
    X = rng.standard_normal((80, 4))
    l2, l1 = median_distances(X)
    kernels = [entry.kernel for entry in candidates(["rbf", "laplace_l1"], X)]
    lengths = sorted(kernel.lengthscale for kernel in kernels if isinstance(kernel, RBF))
    np.testing.assert_allclose(lengths, [(m * l2) ** 2 for m in MULTIPLES], rtol=1e-12)
    lengths = sorted(kernel.lengthscale for kernel in kernels if isinstance(kernel, LaplaceL1))
    np.testing.assert_allclose(lengths, [m * l1 for m in MULTIPLES], rtol=1e-12)


def test_a_rescaled_candidate_keeps_its_family_and_unit(rng):
    entry = next(one for one in candidates(["rbf"], rng.standard_normal((30, 2))) if "1 x" in one.name)
    twice = entry.rescaled(2.0)
    assert twice.name == "RBF, 2 x median"
    assert twice.kernel.lengthscale == pytest.approx(4 * entry.kernel.lengthscale)


def test_every_family_is_made(rng):
    for family in FAMILIES:
        for entry in candidates([family], rng.standard_normal((20, 2))):
            assert entry.kernel(rng.standard_normal((4, 2))).shape == (4, 4)


def test_candidates_are_read_from_names_and_files(tmp_path):
    assert read_candidates("rbf, laplace ,") == ["rbf", "laplace"]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(["rbf", RBF(2.0).config(), (2.0 * RBF(2.0) + LaplaceL1(1.0)).config()]))
    assert read_candidates(str(path)) == ["rbf", RBF(2.0), 2.0 * RBF(2.0) + LaplaceL1(1.0)]


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot read"), ("{", "is not JSON"), ("{}", "expected a list"), ('[{"kind": "Pickle"}]', "no kernel is")],
)
def test_a_bad_file_of_candidates_is_refused(tmp_path, content, words):
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=words):
        read_candidates(str(path))
