"""A loss at a point: function, parameters, data in blocks; what all curvature operators of one question share."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.curvature.batches import read_batches, rows_of, take
from theodolite.curvature.determinism import TIED, mark, refuse_chance, rows_are_tied, some
from theodolite.curvature.form import FIXED, PARAMETER, STATIC, Form, Static
from theodolite.curvature.layers import is_parameter, layer_names, leaf_names, within
from theodolite.curvature.losses import fitting_targets, mean_loss
from theodolite.finite_width import Network
from theodolite.numerics import memory
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput, NotDeterministic, NotFinite, ShapeMismatch

SHARE = 0.1  # of the memory limit that the linearised network of one block of rows may take
FEW_ROWS = 256  # are not divided


@dataclass(frozen=True)
class Block:
    """Inputs and targets, and the share of the loss that is theirs."""

    X: Any
    Y: Any
    weight: Any


@dataclass(frozen=True, eq=False)
class Problem:
    """L(theta) = sum over blocks of their share of rows times the loss of f(theta, X) and Y; `problem` makes it.

    Attributes: form; leaves, the parameters; fixed, arrays of the tree that are held; blocks; names, the path of every
    parameter; f, params and loss as they were given; rows N; outputs, the shape of one block's outputs without rows;
    tied, whether the outputs of a row depend on the other rows of its batch.
    """

    form: Form = field(repr=False)
    leaves: tuple[Any, ...] = field(repr=False)
    fixed: tuple[Any, ...] = field(repr=False)
    blocks: tuple[Block, ...] = field(repr=False)
    names: tuple[str, ...]
    f: Any = field(repr=False)
    params: Any = field(repr=False)
    loss: Any
    rows: int
    outputs: tuple[int, ...]
    tied: bool = False

    @property
    def size(self) -> int:
        """The number of parameters P."""
        return self.form.size

    @cached_property
    def dtype(self) -> np.dtype:
        """float64 when any parameter is, else float32."""
        return precision(self.form.dtypes)

    @property
    def output_count(self) -> int:
        """Numbers f returns for all rows, N k."""
        return self.rows * int(np.prod(self.outputs, dtype=int))

    @cached_property
    def value(self) -> float:
        """The loss at the parameters."""
        with self.precise():
            return float(
                sum(float(_value(self.form, self.leaves, self.fixed, b.X, b.Y, b.weight)) for b in self.blocks)
            )

    @cached_property
    def gradient(self) -> np.ndarray:
        """Of the loss, (P,)."""
        with self.precise():
            parts = [_gradient(self.form, self.leaves, self.fixed, b.X, b.Y, b.weight) for b in self.blocks]
            return np.sum([np.asarray(part) for part in parts], axis=0)

    @cached_property
    def slopes(self) -> np.ndarray:
        """The gradient of the loss in the outputs of all rows, (N, ...): what weighs the second derivatives in S."""
        with self.precise():
            outputs = [outputs_of(self.form, self.leaves, self.fixed, block.X) for block in self.blocks]
            return np.concatenate(
                [np.asarray(_slope(self.form, f, b.Y, b.weight)) for f, b in zip(outputs, self.blocks, strict=True)]
            )

    @property
    def layers(self) -> dict[str, list[int]]:
        """Names of layers, each with the positions of its arrays among `names`."""
        return layer_names(list(self.names))

    def entries(self, path: str) -> np.ndarray:
        """Positions in the vector of the parameters under a path, as "0_dense" or "0_dense/weight"."""
        return self.entries_of(self._under(path))

    def entries_of(self, positions: Sequence[int]) -> np.ndarray:
        """Positions in the vector of some of the arrays of `names`."""
        ends, sizes = np.cumsum(self.form.sizes), self.form.sizes
        return np.concatenate([np.arange(ends[i] - sizes[i], ends[i]) for i in positions])

    def restricted(self, path: str) -> "Problem":
        """The same loss as a function of the parameters under a path only; all others are held."""
        inside = set(self._under(path))
        kinds, leaves, fixed = [], [], []
        own, held = iter(enumerate(self.leaves)), iter(self.fixed)
        for kind in self.form.kinds:
            if kind == STATIC:
                kinds.append(STATIC)
                continue
            position, leaf = next(own) if kind == PARAMETER else (-1, next(held))
            kinds.append(PARAMETER if position in inside else FIXED)
            (leaves if position in inside else fixed).append(leaf)
        form = replace(
            self.form,
            kinds=tuple(kinds),
            shapes=tuple(leaf.shape for leaf in leaves),
            dtypes=tuple(leaf.dtype for leaf in leaves),
        )
        names = tuple(self.names[i] for i in sorted(inside))
        return replace(self, form=form, leaves=tuple(leaves), fixed=tuple(fixed), names=names)

    @contextlib.contextmanager
    def precise(self) -> Iterator[None]:
        """JAX in double precision for parameters that have it, else as the user set it."""
        with jax.enable_x64(True) if self.dtype == np.float64 else contextlib.nullcontext():
            yield

    def _under(self, path: str) -> list[int]:
        found = [i for i, name in enumerate(self.names) if within(name, path)]
        if not found:
            raise BadInput(f"no parameters under {path!r}; there are {', '.join(self.layers)}")
        return found


def problem(loss: Any, f: Any, params: Any, data: Any, *, block: int | None = None) -> Problem:
    """Read a loss at its parameters, check it, and divide the data into blocks.

    L = (1/N) sum over rows i of c(f(params, X)_i, Y_i), or the mean over given batches weighted by their rows.

    Args: loss, "mse" (half the squared distance), "cross_entropy" (one output: logits of the second of two classes) or
        a function of the outputs and targets of a batch, that returns their mean or one number for each row; f, a
        `Network` or a function f(params, X) of a tree and a batch; params, any tree: its floating arrays are the
        parameters, all else is held; data, a pair (X, Y), or a list of pairs, batches that are never divided or mixed
        (for functions whose rows depend on each other); block, rows of a pair at a time, by default what memory holds.
    Returns: a Problem, which the operators take in place of these arguments.
    Raises: BadInput, ShapeMismatch; NotFinite for a loss that is not finite; NotDeterministic for a function or data
        that change when asked again, or whose outputs depend on the other rows of a pair.
    Cost: a few forward passes.

    >>> net = problem("mse", lambda p, X: X @ p["w"], {"w": np.ones(3)}, (np.eye(3), np.zeros(3)))
    >>> net.size, net.value, net.gradient.round(3).tolist()
    (3, 0.5, [0.333, 0.333, 0.333])
    """
    if isinstance(loss, Problem):
        return loss
    apply = f.apply if isinstance(f, Network) else f
    if not callable(apply):
        raise BadInput(f"f is a {type(f).__name__}; expected a Network or a function f(params, X)")
    found, tree = jax.tree.flatten(params)
    kinds = tuple(PARAMETER if is_parameter(leaf) else FIXED if hasattr(leaf, "dtype") else STATIC for leaf in found)
    leaves = [leaf for leaf, kind in zip(found, kinds, strict=True) if kind == PARAMETER]
    if not leaves or not sum(leaf.size for leaf in leaves):
        raise BadInput("params holds no floating arrays: a function without parameters has no curvature")
    for name, leaf in zip(leaf_names(params), leaves, strict=True):
        if not np.isfinite(np.asarray(leaf, np.float64)).all():
            raise NotFinite(f"the parameter {name!r} holds NaN or infinity; expected finite numbers")
    dtype = precision([leaf.dtype for leaf in leaves])
    batches, free = read_batches(data, dtype)
    form = Form(
        apply,
        mean_loss(loss),
        tree,
        kinds,
        tuple(Static(leaf) for leaf, kind in zip(found, kinds, strict=True) if kind == STATIC),
        tuple(leaf.shape for leaf in leaves),
        tuple(jnp.dtype(leaf.dtype) for leaf in leaves),
    )
    with jax.enable_x64(True) if dtype == np.float64 else contextlib.nullcontext():
        own = tuple(jnp.asarray(leaf) for leaf in leaves)
        fixed = tuple(jnp.asarray(leaf) for leaf, kind in zip(found, kinds, strict=True) if kind == FIXED)
        calls = partial(form.outputs, own, fixed)
        # before anything is compiled: a function whose closure has changed must not meet what was compiled before
        form = replace(form, mark=mark(form.outputs, own, fixed, some(batches[0][0])))
        compiled = partial(outputs_of, form, own, fixed)
        refuse_chance(form.outputs, compiled, (own, fixed), batches[0][0])
        tied = rows_are_tied(compiled, batches[0][0])
        if free and tied:
            raise NotDeterministic(TIED.format(tied))
        described = [jax.eval_shape(calls, X) for X, _ in batches]
        shapes = [one.shape for one in described]
        for (X, _), shape in zip(batches, shapes, strict=True):
            if not shape or shape[0] != rows_of(X):
                raise ShapeMismatch(f"f returns {shape} for {rows_of(X)} rows; expected one row of outputs for each")
        read = [(X, fitting_targets(loss, Y, shape, dtype)) for (X, Y), shape in zip(batches, shapes, strict=True)]
        form = replace(form, mark=form.mark + mark(form.loss, described[0], read[0][1]))
        if free:
            size = positive_integer(block, "block") if block is not None else _fitting_rows(form, own, fixed, *read[0])
            read = _divided(read[0], size)
        rows = sum(rows_of(X) for X, _ in read)
        blocks = tuple(_block(X, Y, rows_of(X) / rows, dtype) for X, Y in read)
    names = tuple(leaf_names(params))
    made = Problem(form, own, fixed, blocks, names, f, params, loss, rows, shapes[0][1:], bool(tied))
    if not np.isfinite(made.value):
        raise NotFinite(
            f"the loss is {made.value} at these parameters; curvature needs a finite loss: look at the scale of the "
            "inputs, for a diverged training or for the logarithm of a zero in the loss"
        )
    if free and len(read) > 1 and not isinstance(loss, str):
        _refuse_sums(made, batches[0], compiled)
    return made


def precision(dtypes: Sequence[Any]) -> np.dtype:
    """float64 when any of these is, else float32."""
    return np.dtype(np.float64 if any(np.dtype(dtype) == np.float64 for dtype in dtypes) else np.float32)


def _fitting_rows(form: Form, own: Any, fixed: Any, X: Any, Y: Any) -> int:
    """Rows whose linearised gradient takes no more than a share of the memory limit; all of a few hundred."""
    rows = rows_of(X)
    if rows <= FEW_ROWS:
        return rows

    def kept(leaves: Any, X: Any, Y: Any) -> Any:
        return jax.linearize(jax.grad(lambda theta: weighed(form, theta, fixed, X, Y, 1.0)), leaves)[1]

    size = sum(
        int(np.prod(part.shape)) * part.dtype.itemsize for part in jax.tree.leaves(jax.eval_shape(kept, own, X, Y))
    )
    room = SHARE * memory.limit_bytes()
    return rows if size <= room else max(int(rows * room / size), 1)


def _divided(batch: tuple[Any, Any], size: int) -> list[tuple[Any, Any]]:
    X, Y = batch
    return [(take(X, slice(i, i + size)), Y[i : i + size]) for i in range(0, rows_of(X), size)]


def _block(X: Any, Y: np.ndarray, weight: float, dtype: np.dtype) -> Block:
    return Block(jax.tree.map(jnp.asarray, X), jnp.asarray(Y), jnp.asarray(weight, dtype))


def _refuse_sums(made: Problem, whole: tuple[Any, Any], compiled: Callable[[Any], Any]) -> None:
    """A loss that is not a mean over rows is another one when it is taken over blocks."""
    with made.precise():
        together = float(made.form.loss(compiled(whole[0]), whole[1]))
    if abs(together - made.value) > 1e-3 * max(abs(together), abs(made.value)):
        raise BadInput(
            f"the loss is {together:g} over all rows and {made.value:g} as the mean over blocks; expected a mean over "
            "rows, or one number for each row; without `block`, or with data=[(X, Y)], it is taken as it is"
        )


@partial(jax.jit, static_argnums=0)
def outputs_of(form: Form, leaves: tuple[Any, ...], fixed: tuple[Any, ...], X: Any) -> Any:
    """f on one block, compiled."""
    return form.outputs(leaves, fixed, X)


def weighed(form: Form, leaves: Any, fixed: Any, X: Any, Y: Any, weight: Any) -> Any:
    """The share of one block in the loss. Traceable."""
    return weight * form.loss(form.outputs(leaves, fixed, X), Y)


@partial(jax.jit, static_argnums=0)
def _value(form: Form, leaves: Any, fixed: Any, X: Any, Y: Any, weight: Any) -> Any:
    return weighed(form, leaves, fixed, X, Y, weight)


@partial(jax.jit, static_argnums=0)
def _slope(form: Form, outputs: Any, Y: Any, weight: Any) -> Any:
    return jax.grad(lambda out: weight * form.loss(out, Y))(outputs)


@partial(jax.jit, static_argnums=0)
def _gradient(form: Form, leaves: Any, fixed: Any, X: Any, Y: Any, weight: Any) -> Any:
    parts = jax.grad(lambda own: weighed(form, own, fixed, X, Y, weight))(leaves)
    return form.join(parts, precision(form.dtypes))
