"""What the cases on layers and on generators measure with, against other ways to the same numbers."""

import dataclasses
import os
import signal
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from theodolite.architectures import Dense, Tanh
from theodolite.experiments import Key
from theodolite.experiments.bench import Bench, Forgetful
from theodolite.experiments.cases import layers_spectra, order_chaos_gan, order_chaos_generators
from theodolite.experiments.generators import (
    REGIMES,
    digit_images,
    generator,
    latents,
    one_of_each,
    texture_images,
)
from theodolite.experiments.layer_gradients import layer_grams, layer_products
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.experiments.runner import Run
from theodolite.experiments.stages import Stages
from theodolite.experiments.store import Store, StoredParts
from theodolite.experiments.zonal_modes import deep_relu, on_sphere, zonal
from theodolite.finite_width import network
from theodolite.infinite_width import position_kernels
from theodolite.numerics.errors import BadInput
from theodolite.numerics.gegenbauer import zonal_nodes

NET = network(Dense() >> Tanh() >> Dense(bias_std=0.3), width=6)
X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def drawn(key):
    return jax.tree.map(lambda leaf: leaf[0], parameters_drawn(NET, (3,), 1, key.rng(), np.float32))


@pytest.mark.exact
def test_products_of_gradients_by_layer_are_those_of_the_jacobian():
    key, u = Key(3), np.random.default_rng(1).normal(size=(2, 4)).astype(np.float32)
    found = layer_products(NET, X, X[:, ::-1].copy(), (u, u), key)
    params = drawn(key)
    jacobians = [jax.jacrev(lambda p, Z=Z: NET.apply(p, Z)[:, 0])(params) for Z in (X, X[:, ::-1])]
    for place, name in enumerate(params):
        rows = [
            np.concatenate([np.reshape(leaf, (4, -1)) for leaf in jax.tree.leaves(j[name])], axis=1) for j in jacobians
        ]
        assert_allclose(found[place], [own @ rows[0] @ rows[1].T @ own for own in u], rtol=1e-4)


@pytest.mark.exact
def test_layer_kernels_add_up_to_the_tangent_kernel():
    key = Key(5)
    grams = layer_grams(NET, X, 1, key)[0]
    J = jax.jacrev(lambda p: NET.apply(p, X)[:, 0])(drawn(key))
    rows = np.concatenate([np.reshape(leaf, (4, -1)) for leaf in jax.tree.leaves(J)], axis=1)
    assert_allclose(grams.sum(axis=0), rows @ rows.T, rtol=1e-5)


@pytest.mark.exact
def test_zonal_functions_are_orthonormal_on_the_sphere():
    angles, weights = zonal_nodes(5, 10)
    points = np.zeros((len(angles), 5))
    points[:, 0], points[:, 1] = np.cos(angles), np.sin(angles)
    Z = zonal(points, (0, 1, 2, 4), np.eye(5)[0]).astype(np.float64)
    assert_allclose(Z * weights @ Z.T, np.eye(4), atol=2e-6)


def test_points_lie_on_the_sphere_and_layers_have_one_trace():
    points = on_sphere(7, 5, Key(0))
    assert_allclose((points**2).sum(axis=1), 5.0, rtol=1e-5)
    assert deep_relu(3).nodes[1].scale == pytest.approx(np.sqrt(2))


@pytest.mark.exact
def test_limits_of_shares_are_those_of_four_layers():
    assert_allclose(layers_spectra._limits(4), [0.524, 0.317, 0.159, 0.0], atol=6e-4)  # of another implementation


@pytest.mark.exact
def test_steps_to_learn_images_are_those_of_the_iteration():
    net = generator(*REGIMES["order, beta 0.1"], layers=2)
    Z, images = latents(3, np.random.default_rng(0)), one_of_each(Key(1), 4)[:3]
    steps = order_chaos_generators._steps(net, None, Z, images, 0.3)
    kernels = position_kernels(net, Z)
    theta, size = kernels.ntk_matrix, images.size
    step = np.eye(size) - theta / np.linalg.eigvalsh(theta)[-1]
    second = np.outer(images.ravel(), images.ravel()) + kernels.nngp_matrix  # E r r' of the residual at the start
    losses, residual = [], second
    for _ in range(int(steps) + 2):
        losses.append(np.trace(residual) / np.trace(second))
        residual = step @ residual @ step
    assert losses[int(steps)] >= 0.3 - 1e-9 >= losses[int(steps) + 1] - 1e-9


def test_digits_are_enlarged_evenly():
    images, labels = digit_images()
    small, _ = digit_images(8)
    assert images.shape == (1797, 16, 16)
    assert images.min() >= -1
    assert images.max() <= 1
    assert_allclose(images.mean(axis=(1, 2)), small.mean(axis=(1, 2)), atol=0.05)
    assert len(set(labels)) == 10


@pytest.mark.exact
def test_measures_of_samples_know_constants_checkerboards_and_copies():
    data = digit_images()[0]
    same = np.repeat(data[:1], 5, axis=0)
    assert order_chaos_gan._measured(same, data)[0] == 0.0
    own = order_chaos_gan._measured(data, data)
    assert own[0] == pytest.approx(1.0)
    assert own[3] == pytest.approx(0.0, abs=1e-12)
    assert own[1] == pytest.approx(0.720, abs=2e-3)  # of another implementation, as the next
    assert own[2] == pytest.approx(0.0033, abs=2e-4)
    board = np.tile([[1.0, -1.0], [-1.0, 1.0]], (8, 8))[None]
    assert_allclose(order_chaos_gan._measured(board + 3.0, data)[1:3], [0.1, 1.0])


def test_the_critic_reads_images_of_any_power_of_two():
    config = order_chaos_gan.CASE.smoke
    critic = order_chaos_gan._critic(config, np.random.default_rng(0))
    size = 2**config.layers
    assert order_chaos_gan._judge(critic, jnp.ones((3, size, size))).shape == (3,)


def test_textures_are_grey_tiles_between_minus_one_and_one(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (3, 9, 20, 3), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", X=colours)
    found = texture_images(
        tmp_path / "a.npz", 4
    )  # one row of two tiles of 8 x 8, halved; 4 columns and a row left over
    assert found.shape == (6, 4, 4)
    grey = colours[1].mean(axis=2) / 127.5 - 1
    assert found[3, 1, 2] == pytest.approx(grey[2:4, 2 + 8 + 4 : 2 + 8 + 6].mean())
    plain = np.random.default_rng(1).normal(size=(2, 5, 7))
    np.savez(tmp_path / "b.npz", X=plain)
    cropped = texture_images(tmp_path / "b.npz", 4)
    scaled = 2 * (plain - plain.min()) / (plain.max() - plain.min()) - 1
    assert_allclose(cropped, scaled[:, :4, 1:5])
    for wrong in (np.zeros((2, 9)), np.zeros((2, 3, 9)), np.ones((2, 9, 9)), np.full((2, 9, 9), np.nan)):
        np.savez(tmp_path / "c.npz", X=wrong)
        with pytest.raises(BadInput, match=r"c\.npz"):
            texture_images(tmp_path / "c.npz", 4)


def test_the_generators_imitate_textures_where_there_are_some(tmp_path):
    case = order_chaos_gan.CASE
    (tmp_path / "images").mkdir()
    words = order_chaos_gan._images(case.smoke, Bench(tmp_path))[1]
    assert "embedded digits" in words
    np.savez(tmp_path / "images" / "my_textures.npz", X=np.random.default_rng(0).random((5, 4, 4)))
    data, words, textures = order_chaos_gan._images(case.smoke, Bench(tmp_path))
    assert data.shape == (5, 4, 4)
    assert words == "5 textures (my_textures.npz)"
    assert textures
    given, none = (Run.of(case, "smoke", Store(tmp_path), data_folder=folder) for folder in (tmp_path, None))
    assert list(given.files) == ["images/my_textures.npz"]
    assert given.address != none.address


class DyingParts(Forgetful):
    """Parts in memory; dies at a checkpoint, before or after it is kept."""

    def __init__(self, life):
        self.kept, self.life = {}, life

    def load(self, name):
        return self.kept.get(name)

    def checkpoint(self, name, arrays):
        if self.life == 0:
            raise KeyboardInterrupt
        self.life -= 1
        self.kept[name] = {key: np.array(value) for key, value in arrays.items()}


TINY = dataclasses.replace(order_chaos_gan.CASE.smoke, critic=(2,), channels=2, batch=2, steps=8, samples=4, shown=2)


def tiny(parts):
    data = digit_images(4)[0].astype(np.float32)
    return order_chaos_gan._trained(TINY, order_chaos_gan.CHAOS, data, Key(7), Stages(parts, "seed 1"))


@pytest.fixture
def hurried():
    """Compiling is most of the time of a few small steps."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.mark.exact
@pytest.mark.usefixtures("hurried")
def test_a_killed_training_of_a_generator_goes_on_to_the_same_bits():
    whole = tiny(Forgetful())
    parts = DyingParts(2)  # of four stages
    with pytest.raises(KeyboardInterrupt):
        tiny(parts)
    assert {name: int(kept["stage"]) for name, kept in parts.kept.items()} == {"seed 1, under way": 2}
    parts.life = 2  # enough for what is left, not for all of it
    resumed = tiny(parts)
    for name, value in whole.items():
        assert np.array_equal(resumed[name], value), name
    other = {
        key: value * 2 if key.startswith("leaf") else value for key, value in parts.kept["seed 1, under way"].items()
    }
    parts.kept["seed 1, under way"] = {**other, "stage": np.array(2)}
    parts.life = 2
    assert not np.array_equal(tiny(parts)["measures"], whole["measures"])  # it did begin where it was told to
    parts.kept["seed 1, under way"] = {"stage": np.array(2), "leaf0": np.ones(3)}
    parts.life = 4
    assert np.array_equal(tiny(parts)["measures"], whole["measures"])  # what is of another shape is not believed


@pytest.mark.full
def test_kill_nine_inside_a_training_of_a_generator(tmp_path):
    """A process that SIGKILLs itself after its third checkpoint; this one goes on from the file."""
    script = f"""
import os, signal
from pathlib import Path
from theodolite.experiments.cases import order_chaos_gan
from theodolite.experiments.generators import digit_images
from theodolite.experiments.key import Key
from theodolite.experiments.stages import Stages
from theodolite.experiments.store import StoredParts
import dataclasses, numpy as np

class Dying(StoredParts):
    seen = 0
    def checkpoint(self, name, arrays):
        super().checkpoint(name, arrays)
        self.seen += 1
        if self.seen == 3:
            os.kill(os.getpid(), signal.SIGKILL)

tiny = dict(critic=(2,), channels=2, batch=2, steps=8, samples=4, shown=2)
config = dataclasses.replace(order_chaos_gan.CASE.smoke, **tiny)
stages = Stages(Dying(Path({str(tmp_path)!r})), "seed 1")
order_chaos_gan._trained(config, order_chaos_gan.CHAOS, digit_images(4)[0].astype(np.float32), Key(7), stages)
"""
    ended = subprocess.run([sys.executable, "-c", script], env=os.environ, timeout=300, check=False)
    assert ended.returncode == -signal.SIGKILL
    parts = StoredParts(tmp_path)
    resumed, whole = tiny(parts), tiny(Forgetful())
    assert parts.resumed == 1
    for name, value in whole.items():
        assert np.array_equal(resumed[name], value), name
