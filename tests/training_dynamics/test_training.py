"""Training of finite networks: closed forms, losses by hand, ensembles, freezing, mini-batches, checkpoints, misuse."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theodolite.architectures import Dense, Tanh
from theodolite.finite_width import network
from theodolite.finite_width.losses import loss_of
from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch
from theodolite.training_dynamics import LOSSES, Loss, kernel_flow_from_gram, train, train_ensemble

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=6)
SMALL = network(Dense(bias_std=0.3) >> Tanh() >> Dense(), width=4)


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def linear(params: Any, inputs: Any) -> Any:
    return inputs @ params


def members(count: int, seed: int = 1) -> Any:
    """Parameters of SMALL, one set for each member."""
    rng = np.random.default_rng(seed)
    shapes, _ = SMALL.shapes((3,))
    return {
        layer: {name: jnp.asarray(rng.normal(size=(count, *shape))) for name, shape in own.items()}
        for layer, own in shapes.items()
    }


TWO = np.random.default_rng(2).normal(size=(2, 3))  # parameters of two linear models


def equal(one: Any, other: Any) -> bool:
    """All arrays equal, bit by bit."""
    return jax.tree.all(jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), one, other))


def interrupted_at(step: int) -> Callable[[float, float, str], None]:
    def progress(done: float, total: float, what: str) -> None:
        if done >= step:
            raise KeyboardInterrupt

    return progress


# closed forms


@pytest.mark.exact
def test_a_linear_model_follows_discrete_kernel_descent() -> None:
    """Tangent kernel X X', from a random start, at steps 0, 7, 14 and 20."""
    start = RNG.normal(size=3)
    flow = kernel_flow_from_gram(X @ X.T, Y, initial=X @ start).in_steps(0.3)
    end = train(linear, start, X, Y, optimiser=0.3, steps=20, watch=lambda params: linear(params, X), every=7)
    assert end.watched_at.tolist() == [0, 7, 14, 20]
    np.testing.assert_allclose(end.watched, flow.on_training(end.watched_at), atol=1e-12)
    np.testing.assert_allclose(end.outputs[:, 0], flow.on_training(20), atol=1e-12)
    assert float(end.loss) == pytest.approx(flow.cost(20), rel=1e-12)
    assert int(end.steps) == 20


@pytest.mark.exact
def test_an_offset_is_subtracted_from_the_outputs() -> None:
    start = RNG.normal(size=3)
    offset = (X @ start)[:, None]
    end = train(linear, start, X, Y, optimiser=0.3, steps=15, offset=offset)
    flow = kernel_flow_from_gram(X @ X.T, Y).in_steps(0.3)
    np.testing.assert_allclose(end.outputs[:, 0], flow.on_training(15), atol=1e-12)


# losses

F, T = np.array([[0.3, -1.2, 2.0], [0.1, 0.4, -0.7]]), np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
S = np.array([[1.0, -1.0, -1.0], [1.0, 1.0, -1.0]])
SOFT = np.exp(F) / np.exp(F).sum(1, keepdims=True)
ONE, BIT = F[:, :1], np.array([[0.0], [1.0]])
BY_HAND = {
    "mse": ("mse", F, T, ((F - T) ** 2).sum(1) / 2, F - T, [2.2, 0.9]),
    "squared_hinge": (
        "squared_hinge",
        F,
        S,
        np.array([0.7**2 + 0.0 + 3.0**2, 0.9**2 + 0.6**2 + 0.3**2]) / 2,
        np.array([[-0.7, 0.0, 3.0], [-0.9, -0.6, 0.3]]),
        [3.0, 0.9],
    ),
    "cross_entropy": ("cross_entropy", F, T, -np.log((SOFT * T).sum(1)), SOFT - T, [3.2, 0.3]),
    "cross_entropy of two classes": (
        "cross_entropy",
        ONE,
        BIT,
        np.log(np.array([1 + np.exp(0.3), 1 + np.exp(-0.1)])),
        1 / (1 + np.exp(-ONE)) - BIT,
        [0.3, -0.1],
    ),
}


@pytest.mark.oracle
@pytest.mark.parametrize("case", BY_HAND)
def test_losses_gradients_and_gaps_are_those_written_down(case: str) -> None:
    name, f, y, value, gradient, gap = BY_HAND[case]
    loss = LOSSES[name]
    np.testing.assert_allclose(loss.value(f, y), value, rtol=1e-12)
    np.testing.assert_allclose(jax.grad(lambda outputs: loss.value(outputs, y).sum())(jnp.asarray(f)), gradient)
    np.testing.assert_allclose(loss.gap(f, y), gap, rtol=1e-12)
    assert (np.asarray(loss.gap(f, y)) <= 0).tolist() == [g <= 0 for g in gap]


def test_a_loss_of_large_outputs_stays_finite() -> None:
    far = jnp.array([[1e4], [-1e4]])
    assert LOSSES["cross_entropy"].value(far, BIT).tolist() == [1e4, 1e4]
    assert jnp.isfinite(jax.grad(lambda f: LOSSES["cross_entropy"].value(f, BIT).sum())(far)).all()


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_goes_down_the_mean_of_the_loss(name: str) -> None:
    """One step on a linear model against the chain rule by hand."""
    start, y = RNG.normal(size=3), np.sign(Y)[:, None] if name == "squared_hinge" else (Y[:, None] > 0).astype(float)
    slope = jax.grad(lambda f: LOSSES[name].value(f, y).sum())(jnp.asarray(X @ start)[:, None])
    end = train(linear, start, X, y, loss=name, optimiser=0.1, steps=1)
    np.testing.assert_allclose(end.params, start - 0.1 * X.T @ np.asarray(slope)[:, 0] / 6, rtol=1e-12)


def test_a_loss_of_ones_own_is_taken_as_it_is() -> None:
    absolute = Loss("absolute", lambda f, y: jnp.abs(f - y).sum(-1), lambda f, y: jnp.abs(f - y).max(-1))
    assert loss_of(absolute) is absolute
    end = train(linear, np.zeros(3), X, Y, loss=absolute, optimiser=0.1, steps=1)
    np.testing.assert_allclose(end.params, 0.1 * X.T @ np.sign(Y) / 6, rtol=1e-12)


# ensembles


@pytest.mark.exact
def test_members_of_an_ensemble_train_as_they_would_alone() -> None:
    together = members(2)
    options: dict[str, Any] = {
        "optimiser": optax.sgd(0.05, momentum=0.9),
        "steps": 30,
        "batch": 2,
        "key": jax.random.key(5),
    }
    options |= {"watch": lambda params: SMALL.apply(params, X), "every": 10}
    offset = RNG.normal(size=(2, 6, 1))
    end = train_ensemble(SMALL, together, X, Y, offset=offset, **options)
    assert end.watched.shape == (4, 2, 6, 1)
    for i in range(2):
        alone = train(SMALL, jax.tree.map(lambda a, i=i: a[i], together), X, Y, offset=offset[i], **options)
        jax.tree.map(lambda a, b, i=i: np.testing.assert_allclose(a[i], b, rtol=1e-11), end.params, alone.params)
        np.testing.assert_allclose(end.watched[:, i], alone.watched, rtol=1e-10)
        assert end.loss[i] == pytest.approx(alone.loss, rel=1e-10)
        assert (end.unfitted[i], end.steps[i]) == (alone.unfitted, alone.steps)


def test_watching_changes_nothing_and_says_when() -> None:
    options: dict[str, Any] = {"optimiser": 0.1, "steps": 10}
    seen = train_ensemble(linear, TWO, X, Y, watch=lambda params: params, every=4, **options)
    blind = train_ensemble(linear, TWO, X, Y, **options)
    assert seen.watched_at.tolist() == [0, 4, 8, 10]
    assert equal(jax.tree.map(lambda a: a[0], seen.watched), TWO)
    assert equal(jax.tree.map(lambda a: a[-1], seen.watched), seen.params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), seen.params, blind.params)
    assert blind.watched is None
    assert blind.watched_at.size == 0


@pytest.mark.parametrize("optimiser", [0.5, optax.adam(0.1)], ids=["descent", "adam"])
def test_fitted_members_are_frozen(optimiser: Any) -> None:
    """One starts at its goal, one near, one far: each stops at the first step at which its gap is below the bound."""
    goal = np.array([1.0, -2.0, 0.5])
    starts = goal + np.array([0.0, 0.25, 3.0])[:, None]
    options: dict[str, Any] = {"optimiser": optimiser, "fitted_below": 0.01, "every": 50}
    end = train_ensemble(linear, starts, X, X @ goal, steps=2000, **options)
    assert end.steps[0] == 0 < 1 < end.steps[1] < end.steps[2] < 2000
    np.testing.assert_array_equal(end.params[0], starts[0])
    gaps = np.abs(end.outputs[:, :, 0] - X @ goal).max(1)
    assert (gaps < 0.01).all()
    assert end.unfitted.tolist() == [0, 0, 0]
    short = train_ensemble(linear, starts, X, X @ goal, steps=int(end.steps[1]) - 1, **options)
    assert np.abs(short.outputs[1, :, 0] - X @ goal).max() >= 0.01
    assert short.unfitted[1] > 0
    fixed = train_ensemble(linear, starts, X, X @ goal, steps=int(end.steps[1]) + 5, **options)
    np.testing.assert_allclose(fixed.params[1], end.params[1], rtol=1e-12)


# mini-batches


def test_mini_batches_are_those_of_the_key() -> None:
    options: dict[str, Any] = {"optimiser": 0.1, "steps": 12, "batch": 2}
    one = train_ensemble(linear, TWO, X, Y, key=jax.random.key(3), **options)
    other = train_ensemble(linear, TWO, X, Y, key=jax.random.key(4), **options)
    assert not np.allclose(one.params, other.params, rtol=1e-6)
    in_turns = train_ensemble(linear, TWO, X, Y, key=jax.random.key(3), every=5, **options)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), one.params, in_turns.params)


def test_a_batch_holds_each_input_at_most_once_and_in_the_long_run_equally_often() -> None:
    """Each input moves a weight of its own; z < 4.5 on the counts."""
    counts, batch, steps = 8, 3, 600
    count = Loss("count", lambda f, y: -f[:, 0], lambda f, y: f[:, 0])
    inputs = np.eye(counts)
    options: dict[str, Any] = {"loss": count, "optimiser": 1.0, "batch": batch, "key": jax.random.key(0)}
    end = train(linear, np.zeros(counts), inputs, np.zeros(counts), steps=steps, every=1, watch=lambda p: p, **options)
    moves = np.diff(end.watched, axis=0) * batch
    np.testing.assert_allclose(np.sort(moves, axis=1), [[0] * (counts - batch) + [1] * batch] * steps, atol=1e-9)
    p = batch / counts
    assert np.abs(moves.sum(0) - steps * p).max() < 4.5 * np.sqrt(steps * p * (1 - p))


@pytest.mark.exact
def test_a_batch_of_everything_is_the_full_gradient() -> None:
    options: dict[str, Any] = {"optimiser": 0.1, "steps": 12}
    whole = train_ensemble(linear, TWO, X, Y, **options)
    batches = train_ensemble(linear, TWO, X, Y, batch=6, key=jax.random.key(0), **options)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), whole.params, batches.params)


# checkpoints

LONG: dict[str, Any] = {
    "optimiser": optax.sgd(0.05, momentum=0.9),
    "steps": 40,
    "batch": 3,
    "key": jax.random.key(7),
    "watch": lambda params: params["2_dense"]["weight"][:2],
    "every": 8,
}
PLAIN: dict[str, Any] = {"optimiser": 0.1, "steps": 24, "every": 8, "loss": "mse"}


def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole = train_ensemble(SMALL, members(2), X, Y, **LONG)
    with pytest.raises(KeyboardInterrupt):
        train_ensemble(SMALL, members(2), X, Y, folder=tmp_path, progress=interrupted_at(16), **LONG)
    seen: list[float] = []
    again = train_ensemble(
        SMALL, members(2), X, Y, folder=tmp_path, progress=lambda done, total, what: seen.append(done), **LONG
    )
    assert seen == [24, 32, 40]
    assert equal((whole.params, whole.watched), (again.params, again.watched))
    assert again.watched_at.tolist() == whole.watched_at.tolist() == [0, 8, 16, 24, 32, 40]
    assert equal((whole.outputs, whole.loss, whole.steps), (again.outputs, again.loss, again.steps))


def test_a_finished_training_is_read_back_and_a_longer_one_goes_on(tmp_path: Path) -> None:
    first = train_ensemble(linear, TWO, X, Y, folder=tmp_path, **{**PLAIN, "steps": 16})
    back = train_ensemble(linear, TWO, X, Y, folder=tmp_path, progress=interrupted_at(0), **{**PLAIN, "steps": 16})
    assert equal(first.params, back.params)
    seen: list[float] = []
    longer = train_ensemble(
        linear, TWO, X, Y, folder=tmp_path, progress=lambda done, total, what: seen.append(done), **PLAIN
    )
    assert seen == [24]
    assert equal(longer.params, train_ensemble(linear, TWO, X, Y, **PLAIN).params)


OTHERS: dict[str, dict[str, Any]] = {
    "another label": {"label": "another"},
    "other inputs": {"X": X + 1},
    "other targets": {"Y": Y + 1},
    "other parameters": {"params": TWO + 1},
    "another offset": {"offset": np.ones((2, 6, 1))},
    "another loss": {"loss": "squared_hinge"},
    "another learning rate": {"optimiser": 0.2},
    "another batch": {"batch": 2, "key": jax.random.key(0)},
    "another bound": {"fitted_below": 0.01},
    "another pace": {"every": 4},
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a training of two linear models leaves behind when it is stopped after 8 steps."""
    folder = tmp_path_factory.mktemp("stopped")
    with jax.enable_x64(True), pytest.raises(KeyboardInterrupt):
        train_ensemble(linear, TWO, X, Y, folder=folder, progress=interrupted_at(8), **PLAIN)
    return (folder / "training.npz").read_bytes()


@pytest.mark.parametrize("other", [None, *OTHERS])
def test_the_checkpoint_of_another_run_is_ignored(tmp_path: Path, checkpoint: bytes, other: str | None) -> None:
    (tmp_path / "training.npz").write_bytes(checkpoint)
    given = {} if other is None else OTHERS[other]
    seen: list[float] = []

    def one_look(done: float, total: float, what: str) -> None:
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_ensemble(
            linear, **{"params": TWO, "X": X, "Y": Y, **PLAIN, "folder": tmp_path, "progress": one_look, **given}
        )
    assert seen == ([16] if other is None else [given.get("every", 8)])


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"", lambda whole: b"words"])
def test_a_damaged_checkpoint_is_told(tmp_path: Path, checkpoint: bytes, damage: Callable[[bytes], bytes]) -> None:
    (tmp_path / "training.npz").write_bytes(damage(checkpoint))
    with pytest.raises(BadInput, match=r"is no checkpoint .* remove it"):
        train_ensemble(linear, TWO, X, Y, folder=tmp_path, **PLAIN)


# misuse

MISUSES: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no steps": ({"steps": 0}, BadInput, "steps"),
    "a learning rate below zero": ({"optimiser": -1.0}, BadInput, "learning rate"),
    "an unknown loss": ({"loss": "hinge"}, BadInput, "no loss is called 'hinge'; known: mse"),
    "a batch without a key": ({"batch": 2}, BadInput, "needs a key"),
    "a batch of too many": ({"batch": 7, "key": jax.random.key(0)}, BadInput, "at least as many inputs, got 6"),
    "targets of another length": ({"Y": Y[:4]}, ShapeMismatch, r"X has shape \(6, 3\) and Y \(4, 1\)"),
    "inputs without an axis": ({"X": X[:, 0]}, ShapeMismatch, "expected"),
    "targets of two columns": (
        {"Y": np.ones((6, 2))},
        ShapeMismatch,
        r"returns shape \(6,\) for X; the targets have \(6, 2\)",
    ),
    "an offset for other targets": ({"offset": np.zeros((2, 5, 1))}, ShapeMismatch, "offset has shape"),
    "no parameters": ({"params": {}}, ShapeMismatch, "counts the members"),
    "members that do not agree": ({"params": {"a": np.ones((2, 3)), "b": np.ones((3, 3))}}, ShapeMismatch, "members"),
    "a learning rate far too large": ({"optimiser": 1e200, "steps": 300}, NotFinite, "after 100 steps; use a smaller"),
}


@pytest.mark.parametrize("misuse", MISUSES)
def test_misuse_is_refused_in_words(misuse: str) -> None:
    given, error, words = MISUSES[misuse]
    with pytest.raises(error, match=words):
        train_ensemble(linear, **{"params": TWO, "X": X, "Y": Y, "steps": 3, **given})


def test_the_mark_of_a_run_is_the_same_in_another_process(tmp_path: Path) -> None:
    """Functions print with their addresses; a checkpoint must be found again without them."""
    code = (
        "import sys, jax, numpy as np, optax\n"
        "from theodolite.architectures import Dense\n"
        "from theodolite.finite_width import network\n"
        "from theodolite.training_dynamics import train\n"
        "net = network(Dense(), width=1)\n"
        "heard = []\n"
        "train(net, net.init(jax.random.key(0), (2,)), np.eye(2), np.ones(2), optimiser=optax.adam(1e-3), steps=30,\n"
        "      every=10, folder=sys.argv[1], progress=lambda done, *_: heard.append(done))\n"
        "print(heard)\n"
    )
    said = [
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert said == ["[10, 20, 30]\n", "[]\n"]
