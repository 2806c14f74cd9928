"""What is compiled: the function, the loss and the shape of the parameters, without their values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Loss = Callable[[Any, Any], Any]  # of outputs and targets of a batch, to its mean
PARAMETER, FIXED, STATIC = "parameter", "fixed", "static"


@dataclass(frozen=True)
class Static:
    """A leaf that is not an array (a function, a name, a setting), compared by value where it can be, else by place."""

    value: Any

    def __hash__(self) -> int:
        try:
            return hash(self.value)
        except TypeError:
            return id(self.value)


@dataclass(frozen=True)
class Form:
    """How vectors become parameters: all floating arrays of the tree in its order, but those that are held fixed.

    Attributes: f(params, X); loss; tree, the structure of params; kinds, of each leaf; statics, the leaves without
    numbers; shapes and dtypes of the leaves that are parameters; mark, of what f and loss do, which changes with what
    they close over. Hashable: one form, one compilation.
    """

    f: Callable[[Any, Any], Any]
    loss: Loss
    tree: Any
    kinds: tuple[str, ...]
    statics: tuple[Static, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[Any, ...]
    mark: str = ""

    @property
    def size(self) -> int:
        """The number of parameters P."""
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of each array of parameters."""
        return tuple(int(np.prod(shape)) for shape in self.shapes)

    def outputs(self, leaves: tuple[Any, ...], fixed: tuple[Any, ...], X: Any) -> Any:
        """f at these parameters."""
        sources = {PARAMETER: iter(leaves), FIXED: iter(fixed), STATIC: (static.value for static in self.statics)}
        return self.f(jax.tree.unflatten(self.tree, [next(sources[kind]) for kind in self.kinds]), X)

    def split(self, vector: Any) -> tuple[Any, ...]:
        """A vector (P,) as arrays of parameters."""
        ends = np.cumsum(self.sizes)
        return tuple(
            vector[end - size : end].reshape(shape).astype(dtype)
            for end, size, shape, dtype in zip(ends, self.sizes, self.shapes, self.dtypes, strict=True)
        )

    def join(self, leaves: tuple[Any, ...], dtype: Any) -> Any:
        """Arrays of parameters as a vector (P,)."""
        return jnp.concatenate([jnp.ravel(leaf).astype(dtype) for leaf in leaves])
