"""A curvature belongs to a fixed function: chance inside it, and rows that depend on each other, are refused."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from theodolite.curvature.batches import rows_of, take
from theodolite.numerics.errors import BadInput, NotDeterministic

FEW = 8  # rows that are looked at
ADDRESS = re.compile(r"0x[0-9a-f]+")
CHANCE = (
    "f gives other outputs when it is called again with the same parameters and inputs; its Hessian is not a fixed "
    "matrix: switch dropout and noise off (evaluation mode), or fix their random key"
)
TIED = (
    "the outputs of f for one row depend on {}: dropout left on, or batch normalisation in training mode? Switch to "
    "evaluation mode; where that is meant, pass data=[(X, Y)], a list of fixed batches"
)


def refuse_chance(f: Callable[..., Any], compiled: Callable[[Any], Any], arguments: tuple[Any, ...], X: Any) -> None:
    """Raise NotDeterministic when two readings of f(*arguments, X) differ.

    f is traced twice, which costs no computation and shows random numbers and counters of the host; only when the
    traces differ (they may, in names) it is called twice.
    """
    few = some(X)
    alike = mark(f, *arguments, few) == mark(f, *arguments, few)
    results = [compiled(few), compiled(few)] if alike else [f(*arguments, few), f(*arguments, few)]
    if not _close(*results):
        raise NotDeterministic(CHANCE)


def mark(f: Callable[..., Any], *arguments: Any) -> str:
    """A hash of the operations of f and of the numbers it brings along: another one when its closure has changed."""
    try:
        traced = jax.make_jaxpr(lambda *own: f(*own))(*arguments)  # fresh: traces of known functions are remembered
    except (TypeError, AttributeError) as error:
        raise BadInput(f"f(params, X) failed on the first rows of the data: {error}") from error
    digest = hashlib.sha256(ADDRESS.sub("", str(traced.jaxpr)).encode())
    for constant in traced.consts:
        if isinstance(getattr(constant, "dtype", None), np.dtype):  # keys of random numbers have another kind
            digest.update(np.asarray(constant).tobytes())
    return digest.hexdigest()


def rows_are_tied(compiled: Callable[[Any], Any], X: Any) -> str:
    """What a row of f(X) depends on beside itself: "the order of the rows", "the other rows", or nothing, ""."""
    few = some(X)
    alone = np.asarray(compiled(few))
    if rows_of(few) > 1 and not _close(alone, np.asarray(compiled(take(few, slice(None, None, -1))))[::-1]):
        return "the order of the rows"
    if rows_of(X) > rows_of(few) and not _close(alone, np.asarray(compiled(X))[: rows_of(few)]):
        return "the other rows"
    return ""


def some(X: Any) -> Any:
    """The first rows, at most a half."""
    return take(X, slice(0, min(FEW, (rows_of(X) + 1) // 2)))


def _close(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind != "f" or not np.isfinite(a).all():
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    scale = max(float(np.abs(a).max(initial=0.0)), float(np.finfo(a.dtype).tiny))
    return float(np.abs(a.astype(np.float64) - b).max(initial=0.0)) <= 100 * np.sqrt(np.finfo(a.dtype).eps) * scale
