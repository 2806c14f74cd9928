"""Gradient descent on finite networks, one or a whole ensemble at once, with progress, checkpoints and resume."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from theodolite.finite_width import Network
from theodolite.finite_width.losses import Loss, loss_of
from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch
from theodolite.numerics.progress import Progress, silent
from theodolite.training_dynamics.checkpoints import keep, mark, restored

Watch = Callable[[Any], Any]
CHUNK = 100  # steps between two looks at the state, when nothing is watched


class State(NamedTuple):
    """What the next step needs: parameters, the optimiser's state, which members are fitted, the steps of each."""

    params: Any
    optimiser: Any
    fitted: jax.Array
    steps: jax.Array


@dataclass(frozen=True)
class Trained:
    """The end of a training.

    Attributes: params; outputs on the training inputs, (n, k); loss, the mean over them; unfitted, how many inputs are
    not fitted (`Loss.gap` > 0, or > fitted_below where that is given); steps, taken until it was fitted or stopped;
    watched, what `watch` returned at the steps in `watched_at`, stacked. Those of an ensemble have a first axis over
    members (`watched`: a second one).
    """

    params: Any
    outputs: np.ndarray
    loss: Any
    unfitted: Any
    steps: Any
    watched: Any
    watched_at: np.ndarray


def train(f: Any, params: Any, X: Any, Y: Any, **options: Any) -> Trained:
    """Train one network; see `train_ensemble`, of which this is the case of one member, without the axis over members.

    >>> from theodolite.architectures import Dense
    >>> from theodolite.finite_width import network
    >>> net = network(Dense(), width=1)
    >>> start = net.init(jax.random.key(0), (2,))
    >>> end = train(net, start, np.eye(2), np.array([1.0, -1.0]), optimiser=1.0, steps=100)
    >>> float(end.loss) < 1e-6
    True
    """
    if "offset" in options and options["offset"] is not None:
        options["offset"] = jnp.asarray(options["offset"])[None]
    end = train_ensemble(f, jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], params), X, Y, **options)
    first = partial(jax.tree.map, lambda leaf: leaf[0])
    watched = None if end.watched is None else jax.tree.map(lambda leaf: leaf[:, 0], end.watched)
    return Trained(
        first(end.params), end.outputs[0], end.loss[0], end.unfitted[0], end.steps[0], watched, end.watched_at
    )


def train_ensemble(
    f: Any,
    params: Any,
    X: Any,
    Y: Any,
    *,
    steps: int,
    optimiser: float | optax.GradientTransformation = 1.0,
    loss: str | Loss = "mse",
    offset: Any = None,
    batch: int | None = None,
    key: jax.Array | None = None,
    fitted_below: float | None = None,
    watch: Watch | None = None,
    every: int | None = None,
    folder: str | Path | None = None,
    label: str = "",
    progress: Progress = silent,
) -> Trained:
    """Train all members of an ensemble together, under one `vmap`.

    Args: f, a `Network` or a function f(params, X); params, a tree whose arrays have a first axis over members; X
        (n, ...) and Y (n,) or (n, k); steps, at most; optimiser, a learning rate for plain gradient descent on the mean
        loss, or any optax transformation; loss, "mse" (half the squared distance), "squared_hinge" (Y in {-1, 1}),
        "cross_entropy", or a `Loss`; offset (members, n, k), subtracted from the outputs (the initial ones, say);
        batch, inputs drawn at random for each step, with `key`, all of them by default; fitted_below, a member whose
        gap is below it on all inputs is frozen, optimiser and all; watch, called on the params of one member every
        `every` steps and before the first; folder, for a checkpoint after each chunk, from which the same call goes on
        (`label` tells runs apart whose functions or optimisers look alike); progress.
    Returns: a Trained. Raises: BadInput, ShapeMismatch; NotFinite when the loss of a member is no longer finite.
    Cost: steps times a forward and a backward pass, compiled once.

    >>> start = {"w": jnp.array([[1.0], [2.0]])}  # two members
    >>> X, Y = jnp.ones((3, 1)), jnp.zeros((3, 1))
    >>> end = train_ensemble(lambda p, x: x @ p["w"][:, None], start, X, Y, steps=10, optimiser=0.5)
    >>> np.asarray(end.loss).shape, bool((np.asarray(end.loss) < 1e-3).all())
    ((2,), True)
    """
    steps = positive_integer(steps, "steps")
    chunk = min(CHUNK if every is None else positive_integer(every, "every"), steps)
    run = _run(f, params, X, Y, optimiser, loss_of(loss), offset, batch, key, fitted_below)
    state, done = run.start(params), 0
    look = None if watch is None else jax.jit(jax.vmap(watch))
    seen, at = ([look(params)], [0]) if look else ([], [])
    path = None if folder is None else Path(folder) / "training.npz"
    of = "" if path is None else mark(label, run.words, chunk, run.X, run.Y, *jax.tree.leaves((params, offset)))
    if path is not None and (kept := restored(path, of, state, seen)):
        done, state, seen = kept
        at = [min(chunk * i, done) for i in range(len(seen))]
    while done < steps and not bool(np.all(state.fitted)):
        state = run.advance(state, done, min(chunk, steps - done))
        done = min(done + chunk, steps)
        if not _all_finite(state.params):
            raise NotFinite(f"a parameter is no longer finite after {done} steps; use a smaller learning rate")
        if look:
            seen.append(look(state.params))
            at.append(done)
        if path is not None:
            keep(path, of, done, state, seen)
        progress(done, steps, "training")
    outputs, losses, gaps = _measured(run, state.params, run.X, run.Y, run.offset)
    watched = jax.tree.map(lambda *parts: np.stack([np.asarray(part) for part in parts]), *seen) if watch else None
    return Trained(
        state.params,
        np.asarray(outputs),
        np.asarray(losses.mean(axis=1)),
        np.asarray((gaps > (fitted_below or 0.0)).sum(axis=1)),
        np.asarray(state.steps),
        watched,
        np.array(at),
    )


@dataclass(frozen=True, eq=False)
class _Run:
    """The functions of one training, and its data."""

    apply: Callable[[Any, Any], Any]
    X: jax.Array
    Y: jax.Array
    offset: jax.Array
    optimiser: optax.GradientTransformation
    loss: Loss
    batch: int | None
    key: jax.Array | None
    fitted_below: float | None
    words: str

    def start(self, params: Any) -> State:
        members = len(jax.tree.leaves(params)[0])
        nobody = jnp.zeros(members, bool)
        return State(params, jax.vmap(self.optimiser.init)(params), nobody, jnp.zeros(members, int))

    def advance(self, state: State, done: int, size: int) -> State:
        return _advance(self, size, state, jnp.asarray(done), self.X, self.Y, self.offset)

    def _outputs(self, params: Any, X: jax.Array, offset: jax.Array) -> jax.Array:
        return jnp.reshape(self.apply(params, X), (len(X), -1)) - offset

    def step(self, state: State, step: jax.Array, X: jax.Array, Y: jax.Array, offset: jax.Array) -> State:
        """One step of one member; a fitted one stays as it is."""
        if self.batch is not None:
            rows = jax.random.choice(jax.random.fold_in(self.key, step), len(X), (self.batch,), replace=False)  # type: ignore[arg-type]
            X, Y, offset = X[rows], Y[rows], offset[rows] if offset.ndim > 1 else offset

        def mean_loss(params: Any) -> tuple[jax.Array, jax.Array]:
            outputs = self._outputs(params, X, offset)
            return self.loss.value(outputs, Y).mean(), self.loss.gap(outputs, Y).max()

        gradient, gap = jax.grad(mean_loss, has_aux=True)(state.params)
        below = -jnp.inf if self.fitted_below is None or self.batch is not None else self.fitted_below
        fitted = state.fitted | (gap < below)
        update, optimiser = self.optimiser.update(gradient, state.optimiser, state.params)
        moved = State(optax.apply_updates(state.params, update), optimiser, fitted, state.steps + 1)
        return jax.tree.map(lambda new, old: jnp.where(fitted, old, new), moved, state._replace(fitted=fitted))


@partial(jax.jit, static_argnums=0)
def _measured(run: _Run, params: Any, X: jax.Array, Y: jax.Array, offset: jax.Array) -> tuple[jax.Array, ...]:
    """f - offset on all training inputs, (members, n, k); loss and gap of each, (members, n)."""
    outputs = jax.vmap(run._outputs, in_axes=(0, None, 0))(params, X, offset)
    return outputs, *jax.vmap(lambda f: (run.loss.value(f, Y), run.loss.gap(f, Y)))(outputs)


@jax.jit
def _all_finite(params: Any) -> jax.Array:
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(params)]).all()


@partial(jax.jit, static_argnums=(0, 1))
def _advance(
    run: _Run, size: int, state: State, done: jax.Array, X: jax.Array, Y: jax.Array, offset: jax.Array
) -> State:
    """`size` steps of all members."""
    together = jax.vmap(run.step, in_axes=(0, None, None, None, 0))

    def one(state: State, step: jax.Array) -> tuple[State, None]:
        return together(state, step, X, Y, offset), None

    return jax.lax.scan(one, state, done + jnp.arange(size))[0]


def _run(
    f: Any,
    params: Any,
    X: Any,
    Y: Any,
    optimiser: float | optax.GradientTransformation,
    loss: Loss,
    offset: Any,
    batch: int | None,
    key: jax.Array | None,
    fitted_below: float | None,
) -> _Run:
    """The training, once everything given has been checked."""
    leaves = jax.tree.leaves(params)
    if not leaves or len({leaf.shape[:1] for leaf in leaves}) != 1 or leaves[0].ndim == 0:
        raise ShapeMismatch("params must be a tree of arrays whose first axis, one for all, counts the members")
    dtype = jnp.result_type(*leaves)
    X, Y = jnp.asarray(X, dtype), jnp.asarray(Y, dtype)
    Y = Y[:, None] if Y.ndim == 1 else Y
    if X.ndim < 2 or len(X) != len(Y):
        raise ShapeMismatch(f"X has shape {X.shape} and Y {Y.shape}; expected (n, ...) and (n,) or (n, k)")
    apply = f.apply if isinstance(f, Network) else f
    made = jax.eval_shape(lambda p, x: apply(p, x), jax.tree.map(lambda leaf: leaf[0], params), X)
    if made.size != Y.size:
        raise ShapeMismatch(f"the network returns shape {made.shape} for X; the targets have {Y.shape}")
    if batch is not None:
        batch = positive_integer(batch, "batch")
        if key is None or batch > len(X):
            raise BadInput(f"a batch of {batch} needs a key and at least as many inputs, got {len(X)} and key={key!r}")
    offset = jnp.zeros((len(leaves[0]), 1), dtype) if offset is None else jnp.asarray(offset, dtype)
    if offset.ndim == 3 and offset.shape != (len(leaves[0]), *Y.shape):
        raise ShapeMismatch(f"offset has shape {offset.shape}; expected {(len(leaves[0]), *Y.shape)}")
    # functions print with addresses that the next process does not share: for these, `label` must tell runs apart
    name = repr(f) if isinstance(f, Network) else getattr(f, "__name__", type(f).__name__)
    rate = "optax" if isinstance(optimiser, optax.GradientTransformation) else repr(optimiser)
    words = f"{name} {loss.name} {rate} {batch} {fitted_below}"
    if not isinstance(optimiser, optax.GradientTransformation):
        optimiser = optax.sgd(positive(optimiser, "the learning rate"))
    return _Run(apply, X, Y, offset, optimiser, loss, batch, key, fitted_below, words)
