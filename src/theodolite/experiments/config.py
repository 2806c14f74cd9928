"""The settings of an experiment: frozen, plain, hashed by content."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from theodolite.numerics.errors import BadInput


@dataclass(frozen=True)
class Config:
    """Base of every config. Fields hold numbers, strings, booleans, None and (nested) tuples of these, nothing else.

    >>> @dataclass(frozen=True)
    ... class Small(Config):
    ...     rows: int = 100
    ...     ridges: tuple[float, ...] = (0.1, 1.0)
    >>> Small.from_json(Small(rows=50).to_json()) == Small(rows=50)
    True
    >>> Small().content_hash() == Small(rows=100).content_hash() != Small(rows=50).content_hash()
    True
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _require_plain(getattr(self, field.name), f"{type(self).__name__}.{field.name}")

    def to_json(self) -> dict[str, Any]:
        """The fields as a dictionary; tuples become lists."""
        return {field.name: _listed(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; an unknown or missing field is refused."""
        known = {field.name: field for field in dataclasses.fields(cls)}
        strange = sorted(set(document) - set(known))
        if strange:
            raise BadInput(f"{cls.__name__} has no field {strange[0]!r}; it has {', '.join(known)}")
        values = {name: _tupled(value) for name, value in document.items()}
        try:
            return cls(**values)
        except TypeError as error:
            raise BadInput(f"cannot build {cls.__name__} from fields {sorted(document)}: {error}") from error

    def content_hash(self) -> str:
        """SHA-256 (64 hexadecimal digits) of the fields; equal configs have equal hashes on any machine."""
        return content_hash(self.to_json())


def content_hash(document: Any) -> str:
    """SHA-256 of a JSON-ready value: keys sorted, whole floats written as integers (1.0 equals 1 and hashes as 1).

    >>> content_hash({"b": 1.0, "a": [True]}) == content_hash({"a": [True], "b": 1})
    True
    """
    text = json.dumps(_canonical(document), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _require_plain(value: Any, where: str) -> None:
    if isinstance(value, tuple):
        for item in value:
            _require_plain(item, where)
        return
    if type(value) not in (int, float, str, bool, type(None)):
        raise BadInput(
            f"{where} holds a {type(value).__name__}; expected a number, string, boolean, None or a tuple of these"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput(f"{where} is {value}; expected a finite number (use None for a value that is not set)")


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list | tuple) else value
