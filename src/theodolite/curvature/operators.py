"""The Hessian of a loss and its two parts as matrices that are never written down: H = I + S."""

import itertools
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse.linalg import LinearOperator

from theodolite.curvature.form import Form
from theodolite.curvature.problem import Block, Problem, precision, problem, weighed
from theodolite.numerics import memory
from theodolite.numerics.errors import ShapeMismatch
from theodolite.numerics.progress import Progress, silent

HELD_SHARE = 0.25  # of the memory limit that derivatives kept between products may take
CACHE = 2**20  # bytes: several vectors go through the network together while what they touch stays near this
GROUP = 8  # vectors at most in one compiled call
ROWS = 64  # of a dense matrix at a time


@dataclass(frozen=True, eq=False)
class Operator:
    """A symmetric matrix (P, P) known by its products; `hessian`, `gauss_newton` and `residual` make it.

    `A @ v` takes numpy vectors (P,) or columns (P, m), in the order of the leaves of params, and returns the dtype of
    params. Cost of a product: 4 to 10 forward passes of the data; a linearised network is kept where memory allows.
    """

    name: str
    problem: Problem
    memory_limit: int | str | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(P, P)."""
        return self.problem.size, self.problem.size

    @property
    def dtype(self) -> np.dtype:
        """Of the products: float64 when any parameter is, else float32."""
        return self.problem.dtype

    def __matmul__(self, other: Any) -> np.ndarray:
        other = np.asarray(other)
        if other.ndim not in (1, 2) or other.shape[0] != self.shape[0]:
            raise ShapeMismatch(
                f"cannot multiply {self.shape} by {other.shape}; expected ({self.shape[0]},) or columns"
            )
        return self.rows(other[None])[0] if other.ndim == 1 else self.rows(other.T).T

    def rows(self, vectors: np.ndarray) -> np.ndarray:
        """The products with each row of (m, P), as rows (m, P): the layout that iterations like best."""
        given = np.asarray(vectors, self.dtype)
        answers = np.empty(given.shape, self.dtype)
        with self.problem.precise():
            for part in self._parts(len(given)):
                answers[part] = self._product(given[part])
        return answers

    def dense(self, progress: Progress = silent) -> np.ndarray:
        """The matrix, symmetric to the last bit. Raises: TooLarge. Cost: P products and P^2 numbers."""
        size = self.shape[0]
        memory.require(
            2 * self.dtype.itemsize * size**2,
            self.memory_limit,
            f"the dense {self.name} of {size} parameters",
            "use products, `spectral_density` or `moments`, or one layer with `restrict`",
        )
        matrix = np.empty((size, size), self.dtype)
        for i in range(0, size, ROWS):
            rows = np.zeros((min(ROWS, size - i), size), self.dtype)
            rows[np.arange(len(rows)), i + np.arange(len(rows))] = 1.0
            matrix[i : i + len(rows)] = self.rows(rows)
            progress(i + len(rows), size, f"dense {self.name}")
        return (matrix + matrix.T) / 2

    def restrict(self, path: str) -> "Operator":
        """The diagonal block of the parameters under a path of the tree, as "0_dense" or "0_dense/weight"."""
        return Operator(self.name, self.problem.restricted(path), self.memory_limit)

    def layers(self) -> dict[str, "Operator"]:
        """The diagonal block of every layer."""
        return {name: self.restrict(name) for name in self.problem.layers}

    def as_linear_operator(self) -> LinearOperator:
        """For scipy.sparse.linalg, with shape and dtype."""

        def one(v: Any) -> np.ndarray:
            return self @ np.asarray(v).reshape(-1)

        def many(V: Any) -> np.ndarray:
            return self @ V

        made: Any = LinearOperator  # its stubs do not know the arguments of its factory
        return made(self.shape, matvec=one, rmatvec=one, matmat=many, rmatmat=many, dtype=self.dtype)

    def _parts(self, count: int) -> list[slice]:
        """Vectors that go together: full groups or single ones, so that there are two compiled calls at most."""
        group = self._group
        ends = [*range(0, count, group), count] if group > 1 else list(range(count + 1))
        parts = [slice(start, stop) for start, stop in itertools.pairwise(ends)]
        if group > 1 and parts and parts[-1].stop - parts[-1].start <= group // 4:
            last = parts.pop()
            parts += [slice(i, i + 1) for i in range(last.start, last.stop)]
        return parts

    def _product(self, vectors: np.ndarray) -> np.ndarray:
        """(m, P) in one compiled call for each block, m either 1 or filled up to the size of a group."""
        own, count, total = self.problem, len(vectors), None
        if 1 < count < self._group:
            vectors = np.concatenate([vectors, np.zeros((self._group - count, vectors.shape[1]), vectors.dtype)])
        for position, block in enumerate(own.blocks):
            if self._held is not None:
                part = _apply(own.form, self.name, own.leaves, self._held[position], vectors)
            else:
                part = _fresh(own.form, self.name, own.leaves, own.fixed, block.X, block.Y, block.weight, vectors)
            one = np.asarray(part)[:count]
            total = one if total is None else total + one
        assert total is not None
        return total

    @cached_property
    def _bytes(self) -> int:
        """What the linearised network of the largest block takes."""
        own = self.problem
        with own.precise():
            return max(self._size(block) for block in {id(b.X): b for b in (own.blocks[0], own.blocks[-1])}.values())

    def _size(self, block: Block) -> int:
        own = self.problem
        made = jax.eval_shape(
            partial(_linearised, own.form, self.name), own.leaves, own.fixed, block.X, block.Y, block.weight
        )
        return sum(int(np.prod(part.shape)) * part.dtype.itemsize for part in jax.tree.leaves(made))

    @cached_property
    def _held(self) -> list[Any] | None:
        """The linearised network of every block, or None where they do not fit."""
        own = self.problem
        if self._bytes * len(own.blocks) > HELD_SHARE * memory.limit_bytes(self.memory_limit):
            return None
        return [_prepared(own.form, self.name, own.leaves, own.fixed, b.X, b.Y, b.weight) for b in own.blocks]

    @cached_property
    def _group(self) -> int:
        """Vectors that go through the network side by side: several while it is small, for one product hardly costs
        more than the call; one where each fills the cache (measured: then vectors together are slower)."""
        return int(np.clip(CACHE // max(self._bytes, 1), 1, GROUP))


def hessian(
    loss: Any, f: Any = None, params: Any = None, data: Any = None, *, block: int | None = None, **options: Any
) -> Operator:
    """The Hessian of a loss, H = d^2 L / d theta^2, as an operator.

    Args: loss, f, params, data, block as `problem` reads them, or one Problem instead of all; memory_limit.
    Returns: an Operator. Raises: as `problem`.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 2; products after Pearlmutter (1994).
    Cost of a product: about six matrix products a layer of weights, of which a forward pass takes one.

    >>> w, X = np.array([1.0, 2.0]), np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> A = hessian("mse", lambda p, X: (X @ p) ** 2, w, (X, np.zeros(2)))
    >>> A.dense().round(6).tolist()
    [[30.0, 27.0], [27.0, 27.0]]
    """
    return Operator("hessian", problem(loss, f, params, data, block=block), **options)


def gauss_newton(
    loss: Any, f: Any = None, params: Any = None, data: Any = None, *, block: int | None = None, **options: Any
) -> Operator:
    """The Gauss-Newton part of the Hessian, I = J' (H C) J with J = d f / d theta and H C the Hessian of the cost.

    Args, returns, raises: as `hessian`. Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 2.
    Cost of a product: about four matrix products a layer.

    >>> w, X = np.array([1.0, 2.0]), np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> A = gauss_newton("mse", lambda p, X: (X @ p) ** 2, w, (X, np.zeros(2)))
    >>> A.dense().round(6).tolist()
    [[20.0, 18.0], [18.0, 18.0]]
    """
    return Operator("gauss_newton", problem(loss, f, params, data, block=block), **options)


def residual(
    loss: Any, f: Any = None, params: Any = None, data: Any = None, *, block: int | None = None, **options: Any
) -> Operator:
    """The rest of the Hessian, S = sum over outputs i of (d C / d f_i) d^2 f_i / d theta^2, with dC / df frozen.

    Args, returns, raises: as `hessian`. Where f has kinks (ReLU), derivatives are taken almost everywhere and S misses
    what the kinks contribute. Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 2.
    Cost of a product: as of the Hessian.

    >>> w, X = np.array([1.0, 2.0]), np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> A = residual("mse", lambda p, X: (X @ p) ** 2, w, (X, np.zeros(2)))
    >>> A.dense().round(6).tolist()
    [[10.0, 9.0], [9.0, 9.0]]
    """
    return Operator("residual", problem(loss, f, params, data, block=block), **options)


def _linearised(form: Form, name: str, leaves: Any, fixed: Any, X: Any, Y: Any, weight: Any) -> Any:
    """The linear maps of one block that products need, as a tree of what they keep."""

    def f(own: Any) -> Any:
        return form.outputs(own, fixed, X)

    if name == "hessian":
        return jax.linearize(jax.grad(lambda own: weighed(form, own, fixed, X, Y, weight)), leaves)[1]
    if name == "gauss_newton":
        outputs, forward = jax.linearize(f, leaves)
        return forward, jax.linearize(jax.grad(lambda out: weight * form.loss(out, Y)), outputs)[1]
    assert name == "residual"
    slope = jax.grad(lambda out: weight * form.loss(out, Y))(f(leaves))  # frozen: not differentiated below
    return jax.linearize(jax.grad(lambda own: jnp.vdot(slope, f(own))), leaves)[1]


def _mapped(form: Form, name: str, leaves: Any, linear: Any, vectors: Any) -> Any:
    def one(vector: Any) -> Any:
        along = form.split(vector)
        if name == "gauss_newton":
            forward, bend = linear
            (back,) = jax.linear_transpose(forward, leaves)(bend(forward(along)))
        else:
            back = linear(along)
        return form.join(back, precision(form.dtypes))

    return one(vectors[0])[None] if len(vectors) == 1 else jax.vmap(one)(vectors)


_prepared = partial(jax.jit, static_argnums=(0, 1))(_linearised)
_apply = partial(jax.jit, static_argnums=(0, 1))(_mapped)


@partial(jax.jit, static_argnums=(0, 1))
def _fresh(form: Form, name: str, leaves: Any, fixed: Any, X: Any, Y: Any, weight: Any, vectors: Any) -> Any:
    return _mapped(form, name, leaves, _linearised(form, name, leaves, fixed, X, Y, weight), vectors)
