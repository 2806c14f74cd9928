"""What is read, and what is refused: chance, tied rows, wrong labels, nothing at all, numbers that are none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite import curvature
from theodolite.numerics.errors import BadInput, NotDeterministic, NotFinite, ShapeMismatch

X, Y = np.random.default_rng(2).standard_normal((12, 4)), np.zeros(12)
PARAMS = {"w": np.ones(4)}


def linear(params, X):
    return X @ params["w"]


def posed(f=linear, data=(X, Y), loss="mse", params=PARAMS, **options):
    return curvature.problem(loss, f, params, data, **options)


def test_random_numbers_of_the_host_are_noticed() -> None:
    chance = np.random.default_rng(0)

    def noisy(params, X):
        return X @ params["w"] + chance.standard_normal()

    with pytest.raises(NotDeterministic, match="switch dropout and noise off"):
        posed(noisy)


def test_a_key_that_moves_on_is_noticed() -> None:
    calls = []

    def noisy(params, X):
        calls.append(1)
        kept = jax.random.bernoulli(jax.random.key(len(calls)), 0.5, X.shape)
        return jnp.where(kept, X, 0.0) @ params["w"]

    with pytest.raises(NotDeterministic):
        posed(noisy, data=[(X, Y)])


def test_dropout_left_on_with_a_fixed_key_is_noticed() -> None:
    def dropped(params, X):
        return jnp.where(jax.random.bernoulli(jax.random.key(0), 0.5, X.shape), 2 * X, 0.0) @ params["w"]

    with pytest.raises(NotDeterministic, match="the order of the rows: dropout left on"):
        posed(dropped)
    assert posed(dropped, data=[(X, Y)]).tied  # one fixed batch with one fixed mask is a fixed function


def test_batch_normalisation_needs_fixed_batches() -> None:
    def normalised(params, X):
        h = X * params["w"]
        return ((h - h.mean(0)) / (1e-3 + h.std(0))).sum(1) + h.sum(1)

    with pytest.raises(NotDeterministic, match="the other rows"):
        posed(normalised)
    batches = [(X[:5], Y[:5]), (X[5:], Y[5:])]
    own = posed(normalised, data=batches)
    gram = curvature.jacobian_gram(own)
    with jax.enable_x64(True):
        rows = [jax.jacobian(lambda w, x=x: normalised({"w": w}, x))(jnp.ones(4)) for x, _ in batches]
    J = np.concatenate(rows)
    np.testing.assert_allclose(gram, J @ J.T, atol=1e-12)
    traces = [one.value for one in curvature.moments(curvature.gauss_newton(own), 2)]
    np.testing.assert_allclose(traces, [np.trace(J.T @ J) / 12, np.sum((J.T @ J / 12) ** 2)], rtol=1e-12)


def test_a_loader_that_shuffles_is_refused_and_a_steady_one_read() -> None:
    class Loader:
        def __init__(self, seed):
            self.random = None if seed is None else np.random.default_rng(seed)

        def __iter__(self):
            order = np.arange(12) if self.random is None else self.random.permutation(12)
            return iter([(X[order[:6]], Y[:6]), (X[order[6:]], Y[6:])])

    with pytest.raises(NotDeterministic, match=r"list\(loader\)"):
        posed(data=Loader(1))
    assert len(posed(data=Loader(None)).blocks) == 2


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ((X[:0], Y[:0]), ShapeMismatch, "no rows"),
        ([], ShapeMismatch, "no batches"),
        ((X, Y[:5]), ShapeMismatch, r"\[5, 12\] rows"),
        ((X, np.zeros((12, 2))), ShapeMismatch, "expected 12 x 1 numbers"),
        ((np.where(X > 2, np.nan, X) * np.nan, Y), NotFinite, "X of data holds NaN"),
        (X, BadInput, r"expected a pair \(X, Y\)"),
        ([X, Y], BadInput, "batch 0 is a ndarray"),
        ((X, np.array(["a"] * 12)), BadInput, "dtype <U1"),
    ],
)
def test_data_that_cannot_be_used(data, error, words) -> None:
    with pytest.raises(error, match=words):
        posed(data=data)


def test_labels_and_probabilities_are_checked() -> None:
    def three(params, X):
        return X[:, :3] * params["w"][:3]

    labels = np.arange(12) % 3
    own = posed(three, (X, labels), "cross_entropy")
    rows = posed(three, (X, np.eye(3)[labels]), "cross_entropy")
    assert own.value == rows.value
    for wrong in (labels + 1, labels - 1, labels + 0.5):
        with pytest.raises(BadInput, match="whole numbers 0 to 2"):
            posed(three, (X, wrong), "cross_entropy")
    with pytest.raises(BadInput, match="rows that sum to 1"):
        posed(three, (X, np.full((12, 3), 0.5)), "cross_entropy")
    with pytest.raises(BadInput, match="lie between 0 and 2"):
        posed(linear, (X, labels), "cross_entropy")
    with pytest.raises(BadInput, match="no loss is called 'mae'"):
        posed(loss="mae")


def test_losses_and_functions_that_cannot_be_used() -> None:
    with pytest.raises(NotFinite, match="the loss is nan"):
        posed(lambda p, X: jnp.log(-jnp.abs(X @ p["w"])))
    with pytest.raises(NotFinite, match="parameter 'w'"):
        posed(params={"w": np.array([1.0, np.inf, 0.0, 0.0])})
    with pytest.raises(BadInput, match="no floating arrays"):
        posed(params={"w": np.arange(4)})
    with pytest.raises(BadInput, match="mean over rows"):
        posed(loss=lambda f, y: jnp.sum((f - y) ** 2), block=5)
    with pytest.raises(ShapeMismatch, match="one row of outputs for each"):
        posed(lambda p, X: jnp.sum(X @ p["w"])[None], data=[(X, Y)])
    with pytest.raises(BadInput, match="failed on the first rows"):
        posed(lambda p, X: X @ p["w"][:3])


def test_only_floating_arrays_are_parameters() -> None:
    params = {"w": np.ones(4), "steps": np.int32(3), "name": "linear", "scale": 2.0, "act": jnp.tanh, "none": None}

    def f(p, X):
        return p["act"](X @ p["w"]) * p["scale"] * p["steps"]

    own = posed(f, params=params)
    assert (own.size, own.names) == (4, ("w",))
    assert own.dtype == np.float64
    assert curvature.hessian(own).dense().shape == (4, 4)


def test_a_closure_that_changes_is_read_again() -> None:
    strength = {"f": 1.0, "loss": 1.0}

    def f(params, X):
        return strength["f"] * X @ params["w"]

    def loss(outputs, targets):
        return strength["loss"] * jnp.mean((outputs - targets) ** 2)

    def curved():
        return np.trace(curvature.hessian(loss, f, PARAMS, (X, Y)).dense())

    plain = curved()
    strength["f"] = 2.0
    assert curved() == pytest.approx(4 * plain)
    strength["loss"] = 3.0
    assert curved() == pytest.approx(12 * plain)
