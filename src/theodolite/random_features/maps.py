"""The contract of random features: a family is a law of features, a map is one draw of it.

    family.sample(key, features, input_dim) -> map,     map.transform(X) -> F (n, P),     E[F F'] = K(X, X)

The factor 1 / sqrt(P) is inside F. Families and maps are frozen; a map is written as `config()` (plain JSON) and
`arrays()` (named arrays, ready for safetensors), and comes back by `revive(config, arrays)`.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from theodolite.kernels import Kernel
from theodolite.kernels import from_config as kernel_from_config
from theodolite.kernels.pairs import as_data
from theodolite.numerics.checks import finite, positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch

_FAMILIES: dict[str, type["Family"]] = {}
_MAPS: dict[str, type["FeatureMap"]] = {}


class Family:
    """A law of random features whose second moment is a kernel.

    `sample(key, features, input_dim)` draws a map. `input_dim` is the number of columns d, a shape such as (8, 8, 1),
    or points X themselves: then their shape is meant, and families with `needs_points` (Nystrom, Gaussian) choose
    landmarks among them or are defined on them. A caller that always passes points serves every family.
    """

    needs_points: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _FAMILIES[cls.__name__] = cls

    def limit_kernel(self, input_dim: Any = None) -> Kernel:
        """The kernel K that F F' tends to when the number of features grows."""
        raise NotImplementedError

    def sample(self, key: Any, features: int, input_dim: Any) -> "FeatureMap":
        """Draw a map.

        Args: key, a whole number >= 0 or a key of jax.random; features P >= 1; input_dim, columns, a shape, or points.
        Returns: a map with `map.features` columns (P, or fewer where the family says so).
        """
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """A JSON-ready description that `family_from_config` turns back into an equal family."""
        entries = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {"kind": type(self).__name__, **{name: _plain(item) for name, item in entries.items()}}

    @classmethod
    def revive(cls, entries: dict[str, Any]) -> "Family":
        """The family of this kind from the other entries of its description."""
        return cls(**{name: _revived(item) for name, item in entries.items()})


def family_from_config(description: Mapping[str, Any]) -> Family:
    """The family that `config()` described. Raises: BadInput for an unknown kind or setting.

    >>> from theodolite.kernels import RBF
    >>> from theodolite.random_features import FourierFeatures
    >>> family_from_config(FourierFeatures(RBF(2.0)).config()) == FourierFeatures(RBF(2.0))
    True
    """
    entries = dict(description)
    kind = entries.pop("kind", None)
    if kind not in _FAMILIES:
        raise BadInput(f"no family of features is called {kind!r}; known: {', '.join(sorted(_FAMILIES))}")
    try:
        return _FAMILIES[kind].revive(entries)
    except TypeError as error:
        raise BadInput(f"{kind} cannot be made from {entries}: {error}") from None


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """One draw of random features: a deterministic map from points to P numbers.

    Attributes: features P, the columns of what `transform` returns; input_shape of one point, (d,) for rows of a table.
    """

    features: int
    input_shape: tuple[int, ...]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _MAPS[cls.__name__] = cls

    def transform(self, X: Any) -> np.ndarray:
        """F (n, P), float64 on the host, of points X (n, *input_shape).

        Rows do not depend on each other: blocks of rows may be transformed one after the other.
        Raises: ShapeMismatch, NotFinite.
        """
        raise NotImplementedError

    def points(self, X: Any) -> np.ndarray:
        """X as finite float64 points of this map's shape."""
        X = np.asarray(as_data(X), dtype=np.float64)
        if X.shape[1:] != self.input_shape:
            raise ShapeMismatch(
                f"points have shape {X.shape}; this map was drawn for (n, {', '.join(map(str, self.input_shape))})"
            )
        return finite(X, "X")

    def config(self) -> dict[str, Any]:
        """What is not an array, JSON-ready."""
        entries = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            "kind": type(self).__name__,
            **{name: _plain(item) for name, item in entries.items() if not isinstance(item, np.ndarray)},
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The named arrays, contiguous."""
        entries = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: np.ascontiguousarray(item) for name, item in entries.items() if isinstance(item, np.ndarray)}

    @classmethod
    def from_parts(cls, entries: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> "FeatureMap":
        """The map of this kind from its description and its arrays."""
        parts: dict[str, Any] = {name: _revived(item) for name, item in entries.items()}
        parts |= {name: np.asarray(item) for name, item in arrays.items()}
        return cls(**parts)


def revive(config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> FeatureMap:
    """The map that `config()` and `arrays()` described: equal outputs, bit for bit, on the same machine.

    Raises: BadInput for an unknown kind, a missing array or an unknown setting.

    >>> import json
    >>> from theodolite.kernels import RBF
    >>> from theodolite.random_features import FourierFeatures
    >>> drawn = FourierFeatures(RBF(2.0)).sample(0, 8, 3)
    >>> again = revive(json.loads(json.dumps(drawn.config())), drawn.arrays())
    >>> bool((again.transform(np.eye(3)) == drawn.transform(np.eye(3))).all())
    True
    """
    entries = dict(config)
    kind = entries.pop("kind", None)
    if kind not in _MAPS:
        raise BadInput(f"no feature map is called {kind!r}; known: {', '.join(sorted(_MAPS))}")
    try:
        return _MAPS[kind].from_parts(entries, arrays)
    except (TypeError, KeyError) as error:
        raise BadInput(
            f"{kind} cannot be revived from {sorted(entries)} and arrays {sorted(arrays)}: {error}"
        ) from None


def shape_of(input_dim: Any) -> tuple[int, ...]:
    """The shape of one point: of a number of columns, of a shape, or of points.

    >>> shape_of(3), shape_of((8, 8, 1)), shape_of(np.zeros((100, 5)))
    ((3,), (8, 8, 1), (5,))
    """
    if np.ndim(input_dim) >= 2:
        return tuple(as_data(input_dim).shape[1:])
    if isinstance(input_dim, tuple):
        return tuple(positive_integer(size, "each size of the input shape") for size in input_dim)
    return (positive_integer(input_dim, "input_dim, the number of columns of X,"),)


def points_of(input_dim: Any, family: Any) -> np.ndarray:
    """Points given in the place of `input_dim`, finite float64 (n, ...). Raises: BadInput when a number was given."""
    if np.ndim(input_dim) < 2:
        raise BadInput(
            f"{type(family).__name__} needs points, got input_dim = {input_dim!r}; pass training rows X (n, d) as the "
            "third argument of sample"
        )
    return finite(np.asarray(as_data(input_dim), dtype=np.float64), "X")


def _plain(item: Any) -> Any:
    if hasattr(item, "config"):
        return item.config()
    return [_plain(part) for part in item] if isinstance(item, tuple) else item


def _revived(item: Any) -> Any:
    if isinstance(item, dict):
        import theodolite.infinite_width  # noqa: F401  its kernels are known by name once it is imported

        return kernel_from_config(item)
    return tuple(_revived(part) for part in item) if isinstance(item, list) else item
