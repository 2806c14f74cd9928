"""How much each layer did to bring a loss down: exact book-keeping along the path of the parameters."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch

Params = Any
Loss = Callable[..., Any]
GroupOf = Callable[[tuple[Any, ...]], str]


def by_layer(path: tuple[Any, ...]) -> str:
    """The group of a parameter by default: the first name on its path in the tree, for our networks its layer.

    >>> by_layer(jax.tree_util.tree_flatten_with_path({"0_dense": {"weight": 1.0}})[0][0][0])
    '0_dense'
    """
    first = path[0] if path else ""
    return str(getattr(first, "key", getattr(first, "name", getattr(first, "idx", first))))


class LayerAttribution:
    """Listens to a training and says how much of the decrease of a loss each layer brought about.

    C_l = - sum_t <(g_l(t) + g_l(t+1)) / 2, theta_l(t+1) - theta_l(t)>,   sum_l C_l = loss(0) - loss(T) + O(step^2)

    with g_l the gradient of the loss by the parameters of layer l, at the times of `update`. It holds for any
    architecture, optimiser and regime, for the steps are whatever was done. The loss may be another than the one
    trained on: a held-out one, or the errors of several parts of the target, as a vector.

    Args: loss, from (params, *data) to a number or to a vector (m,); params, a tree of arrays, where training starts;
        data, anything else the loss reads, as arrays; group, from a path in the tree to a name (`by_layer`).
    Raises: NotFinite when the loss is no number; ShapeMismatch for parameters of another shape.
    Source: Dandi and Jacot (2021), arXiv:2111.03972, ask for the contributions of layers; the rule is ours.
    Cost: one gradient of the loss (m of them) each update, compiled once for each loss function; memory for two.

    >>> params = {"first": jnp.array(2.0), "last": jnp.array(3.0)}
    >>> book = LayerAttribution(lambda p: (p["first"] * p["last"]) ** 2 / 2, params)
    >>> book.update({"first": jnp.array(1.9), "last": jnp.array(3.0)})
    >>> {name: round(float(part), 3) for name, part in book.contributions.items()}, round(book.closure_error, 6)
    ({'first': 1.755, 'last': 0.0}, 0.0)
    """

    def __init__(self, loss: Loss, params: Params, *data: Any, group: GroupOf = by_layer) -> None:
        self._read, self._data = _compiled(loss), data
        self._group = group
        self._params, self._gradient = params, None
        self.start, self._gradient = self._checked(params)
        self.now = self.start
        self._sums = {group(path): np.zeros(np.shape(self.start)) for path, _ in _leaves(params)}
        self.updates = 0

    def update(self, params: Params) -> None:
        """Tell where the parameters are now: after every step, or after every few of them."""
        _same_shapes(self._params, params)
        self.now, gradient = self._checked(params)
        for (path, before), (_, after), (_, old), (_, new) in zip(
            *map(_leaves, (self._params, params, self._gradient, gradient)), strict=True
        ):
            step = np.asarray(after, np.float64) - np.asarray(before, np.float64)
            mean = (np.asarray(old, np.float64) + np.asarray(new, np.float64)) / 2
            self._sums[self._group(path)] -= np.tensordot(mean, step, axes=step.ndim)
        self._params, self._gradient = params, gradient
        self.updates += 1

    @property
    def contributions(self) -> dict[str, Any]:
        """The decrease each layer brought about so far, by name, in the unit of the loss: a number or (m,)."""
        return {name: part[()] if part.ndim == 0 else part.copy() for name, part in self._sums.items()}

    @property
    def decrease(self) -> Any:
        """loss(0) - loss(now)."""
        return self.start - self.now

    @property
    def closure_error(self) -> float:
        """|sum of contributions - decrease| / |decrease|, the largest over the losses; four times less when updates
        come twice as often."""
        off = np.abs(sum(self._sums.values()) - self.decrease)
        return float(np.max(off / np.maximum(np.abs(self.decrease), 1e-300)))

    def _checked(self, params: Params) -> tuple[Any, Any]:
        value, gradient = self._read(params, *self._data)
        value = np.asarray(value, np.float64)
        if not np.isfinite(value).all():
            raise NotFinite(f"the loss is {value} after {getattr(self, 'updates', 0)} updates; training has diverged")
        return value, gradient


class AttributionState(NamedTuple):
    """State of `attributed`: the optimiser's own, and the book. `contributions` are float32 or float64 as params."""

    inner: Any
    steps: jax.Array
    start: jax.Array
    params: Params
    gradient: Params
    contributions: dict[str, jax.Array]


def attributed(
    optimiser: optax.GradientTransformation, loss: Loss, *, every: int = 1, group: GroupOf = by_layer
) -> optax.GradientTransformation:
    """An optax optimiser that keeps the book of `LayerAttribution` in its own state, for loops that are compiled.

    Updates are those of `optimiser`, unchanged. `contributions_of(state, loss)` reads contributions and closure error.

    Args: optimiser; loss, from parameters to a number; every, steps between two gradients of the loss; group.
    Returns: an optax.GradientTransformation; its `update` needs params.
    Cost: one gradient of the loss each `every` steps, memory for two more copies of the parameters.
    Source: Dandi and Jacot (2021), arXiv:2111.03972; see LayerAttribution.

    >>> tool = attributed(optax.sgd(0.1), lambda p: (p["a"] * p["b"]) ** 2 / 2)
    >>> params = {"a": jnp.array(2.0), "b": jnp.array(3.0)}
    >>> state = tool.init(params)
    >>> updates, state = tool.update({"a": jnp.array(1.0), "b": jnp.array(0.0)}, state, params)
    >>> round(float(state.contributions["a"]), 3)
    1.755
    """
    steps_between = positive_integer(every, "every")
    read = _value_and_gradient(loss)

    def init(params: Params) -> AttributionState:
        value, gradient = read(params)
        if jnp.ndim(value) != 0:
            raise ShapeMismatch(f"the loss has shape {jnp.shape(value)}; expected a number")
        names = {group(path): jnp.zeros((), value.dtype) for path, _ in _leaves(params)}
        return AttributionState(optimiser.init(params), jnp.zeros((), jnp.int32), value, params, gradient, names)

    def update(updates: Any, state: AttributionState, params: Params | None = None) -> tuple[Any, AttributionState]:
        if params is None:
            raise BadInput("this optimiser keeps a book of the parameters: call update(gradients, state, params)")
        updates, inner = optimiser.update(updates, state.inner, params)
        steps, after = state.steps + 1, optax.apply_updates(params, updates)

        def entered(_: None) -> tuple[Params, Params, dict[str, jax.Array]]:
            gradient = read(after)[1]
            sums = dict(state.contributions)
            for (path, old_place), (_, place), (_, old), (_, new) in zip(
                *map(_leaves, (state.params, after, state.gradient, gradient)), strict=True
            ):
                sums[group(path)] = sums[group(path)] - jnp.sum((old + new) / 2 * (place - old_place))
            return after, gradient, sums

        def waiting(_: None) -> tuple[Params, Params, dict[str, jax.Array]]:
            return state.params, state.gradient, dict(state.contributions)

        book = jax.lax.cond(steps % steps_between == 0, entered, waiting, None)
        return updates, AttributionState(inner, steps, state.start, *book)

    return optax.GradientTransformation(init, update)  # type: ignore[arg-type]


def contributions_of(state: AttributionState, loss: Loss) -> tuple[dict[str, float], float]:
    """Contributions by layer, and |their sum - the decrease of the loss| / |decrease|, up to the last entry.

    Args: state, of an optimiser wrapped by `attributed`; loss, the same function of params.

    >>> loss = lambda p: (p["a"] * p["b"]) ** 2 / 2
    >>> tool = attributed(optax.sgd(0.1), loss)
    >>> params = {"a": jnp.array(2.0), "b": jnp.array(3.0)}
    >>> _, state = tool.update(jax.grad(loss)(params), tool.init(params), params)
    >>> sorted(contributions_of(state, loss)[0])
    ['a', 'b']
    """
    found = {name: float(part) for name, part in state.contributions.items()}
    decrease = float(state.start) - float(loss(state.params))
    return found, abs(sum(found.values()) - decrease) / max(abs(decrease), 1e-300)


@lru_cache(maxsize=16)
def _compiled(loss: Loss) -> Callable[..., tuple[Any, Any]]:
    return jax.jit(_value_and_gradient(loss))


def _value_and_gradient(loss: Loss) -> Callable[..., tuple[Any, Any]]:
    def read(params: Params, *data: Any) -> tuple[Any, Any]:
        value, back = jax.vjp(lambda p: jnp.asarray(loss(p, *data)), params)
        if value.ndim > 1:
            raise ShapeMismatch(f"the loss has shape {value.shape}; expected a number, or a vector of losses")
        unit = jnp.ones_like(value) if value.ndim == 0 else jnp.eye(len(value), dtype=value.dtype)
        return value, (back if value.ndim == 0 else jax.vmap(back))(unit)[0]

    return read


def _leaves(tree: Any) -> list[tuple[tuple[Any, ...], Any]]:
    return jax.tree_util.tree_flatten_with_path(tree)[0]


def _same_shapes(before: Params, after: Params) -> None:
    shapes = [
        [(jax.tree_util.keystr(path), np.shape(leaf)) for path, leaf in _leaves(tree)] for tree in (before, after)
    ]
    if shapes[0] != shapes[1]:
        different = next((pair for pair in zip(*shapes, strict=False) if pair[0] != pair[1]), ("", ""))
        raise ShapeMismatch(f"parameters changed their shape: {different[0]} became {different[1]}")
