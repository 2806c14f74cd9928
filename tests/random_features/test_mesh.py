"""Rows dealt out over devices: equal to one device within round-off."""

import os
import subprocess
import sys

import numpy as np
import pytest

from theodolite.kernels import RBF
from theodolite.numerics import BadInput, ShapeMismatch
from theodolite.random_features import FourierFeatures, GaussianFeatures, ReluFeatures, SufficientStatistics
from theodolite.random_features.mesh import gram_on_mesh, statistics_on_mesh

FOUR_DEVICES = """
import jax, numpy as np
from theodolite.kernels import RBF, Laplace, gram
from theodolite.random_features import FourierFeatures, SufficientStatistics, nystrom_map
from theodolite.random_features.mesh import gram_on_mesh, statistics_on_mesh
assert len(jax.devices()) == 4, jax.devices()
random = np.random.default_rng(0)
X, Y = random.standard_normal((103, 3)), random.standard_normal((103, 2))
np.testing.assert_allclose(gram_on_mesh(Laplace(2.0), X), gram(Laplace(2.0), X), rtol=1e-12, atol=1e-13)
four, alone = jax.devices(), jax.devices()[:1]
fourier = FourierFeatures(RBF(3.0)).sample(0, 9, 3)
for one, places in ((fourier, (four, alone)), (nystrom_map(RBF(3.0), X[:10]), (four,))):
    expected = SufficientStatistics.of_block(one.transform(X), Y)
    for devices in places:
        found = statistics_on_mesh(one, X, Y, devices=devices, block_rows=30)
        assert found.rows == 103
        for name in ("feature_gram", "cross", "feature_sum", "target_sum", "target_gram"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-10, atol=1e-10)
assert not jax.config.jax_enable_x64
print("equal")
"""


@pytest.mark.exact
def test_four_devices_equal_one():
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    ended = subprocess.run([sys.executable, "-c", FOUR_DEVICES], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.strip() == "equal"


def test_trouble_on_a_mesh_is_named():
    X = np.eye(3)
    with pytest.raises(ShapeMismatch, match="2 targets do not go with 3 rows"):
        statistics_on_mesh(FourierFeatures(RBF(1.0)).sample(0, 4, 3), X, np.ones(2))
    with pytest.raises(BadInput, match="has no form on accelerators"):
        statistics_on_mesh(GaussianFeatures(RBF(1.0)).sample(0, 4, X), X, np.ones(3))
    with pytest.raises(BadInput, match="devices is empty"):
        gram_on_mesh(RBF(1.0), X, devices=[])
    with pytest.raises(BadInput, match="precision must be"):
        gram_on_mesh(RBF(1.0), X, precision=np.int8)


def test_relu_features_in_single_precision():
    random = np.random.default_rng(1)
    X, Y = random.standard_normal((40, 3)), random.standard_normal(40)
    one = ReluFeatures(1.0).sample(1, 8, 3)
    found = statistics_on_mesh(one, X, Y, precision=np.float32, block_rows=16)
    expected = SufficientStatistics.of_block(one.transform(X), Y)
    np.testing.assert_allclose(found.feature_gram, expected.feature_gram, atol=1e-4)
    assert np.abs(found.feature_gram - expected.feature_gram).max() > 1e-12  # it was single precision
