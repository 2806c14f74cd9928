"""Languages that change a little: what is sparse for a forward learner may be dense for a backward one.

Agents share a linear language B. Alice, who reads forwards, takes up a new one A quickly where A - B is sparse; Bob,
who reads forwards too, follows her; Carol, who reads backwards, has to learn the change of the inverse, mostly denser.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from theodolite.language_arrow import made
from theodolite.language_arrow.binary_matrices import flipped
from theodolite.language_arrow.linear_language import LinearLanguage, Reading, language_of
from theodolite.numerics.errors import BadInput, ShapeMismatch

_DRAW = {"forward": made.draw_linear, "backward": made.draw_linear_backward}


class SparseUpdate(NamedTuple):
    """A language before and after; how many entries of its matrix changed, and how many of the inverse."""

    before: LinearLanguage
    after: LinearLanguage
    changed: int
    changed_inverse: int


class Learnt(NamedTuple):
    """What reading a linear language in one direction led to: weights, and losses of held-out strings.

    `nats` (count,) over whole strings, first half included; `by_place` (m,) means over strings, in reading order;
    `curve` (steps,) training loss in nats per bit, empty where nothing was trained.
    """

    params: made.MadeParams
    nats: np.ndarray
    by_place: np.ndarray
    curve: np.ndarray


def sparse_update(language: LinearLanguage, entries: int, rng: np.random.Generator) -> SparseUpdate:
    """Flip a few entries of the matrix so that it stays invertible.

    >>> from theodolite.language_arrow.linear_language import linear_language
    >>> rng = np.random.default_rng(0)
    >>> update = sparse_update(linear_language(14, 28, rng), 2, rng)
    >>> update.changed, update.changed_inverse > 2
    (2, True)

    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, sparse updates of linear languages.
    """
    after = language_of(flipped(language.matrix, entries, rng))
    changed, inverse = (
        int(np.sum(a != b)) for a, b in ((language.matrix, after.matrix), (language.inverse, after.inverse))
    )
    return SparseUpdate(language, after, changed, inverse)


def learn(
    language: LinearLanguage, reading: Reading, strings: Any, steps: int, *, seed: int, width: int = 96
) -> Learnt:
    """Train MADE on fresh strings of a linear language in one direction and evaluate it on held-out ones.

    Equal seeds give both directions the same initial weights and the same strings.

    Args: strings (count, 2 m), held out, in forward order.
    Cost: 6 m * 2m * width * 256 operations a step, five seconds for m = 18 and 1500 steps on one core.

    >>> from theodolite.language_arrow import linear_language
    >>> rng = np.random.default_rng(0)
    >>> language = linear_language(3, 3, rng)
    >>> learn(language, "backward", language.strings(20, rng), 5, seed=0, width=8).nats.shape
    (20,)
    """
    shape = _shape(language, strings, width)
    params = made.init(shape, np.random.default_rng(seed))
    trained = made.train(shape, params, _draw(reading), _source(language), steps, seed=seed)
    m = language.bits
    found = evaluated(language, reading, trained.params, strings)
    return found._replace(curve=(trained.losses + m * np.log(2)) / (2 * m))


def evaluated(language: LinearLanguage, reading: Reading, params: made.MadeParams, strings: Any) -> Learnt:
    """What given weights cost on held-out strings (count, 2 m) in forward order, with m log 2 for the first half.

    >>> from theodolite.language_arrow import learn, linear_language
    >>> rng = np.random.default_rng(0)
    >>> language = linear_language(3, 3, rng)
    >>> strings = language.strings(50, rng)
    >>> found = learn(language, "forward", strings, 5, seed=0, width=8)
    >>> bool(np.allclose(evaluated(language, "forward", found.params, strings).nats, found.nats))
    True
    """
    m = language.bits
    shape = _shape(language, strings, params.hidden.shape[2])
    costs = made.evaluate(shape, params, strings if reading == "forward" else strings[:, ::-1])
    return Learnt(params, costs.sum(1) + m * np.log(2), costs.mean(0), np.empty(0))


def follow(
    update: SparseUpdate,
    reading: Reading,
    start: made.MadeParams,
    strings: Any,
    at: Sequence[int],
    *,
    seed: int,
    learning_rate: float = 1e-3,
) -> np.ndarray:
    """Nats per bit on the new language while a learner of the old one follows: Bob forwards, Carol backwards.

    Args: start, weights learnt on `update.before`; strings (count, 2 m) of the new language; at, steps at which to
        look, rising from 0. Adam starts afresh; its rate is constant.
    Returns: (len(at), count), nats per bit of every string.
    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, sparse updates.

    >>> from theodolite.language_arrow import learn, linear_language
    >>> rng = np.random.default_rng(0)
    >>> update = sparse_update(linear_language(4, 6, rng), 1, rng)
    >>> before = learn(update.before, "forward", update.before.strings(20, rng), 5, seed=0, width=8).params
    >>> follow(update, "forward", before, update.after.strings(20, rng), (0, 5), seed=0).shape
    (2, 20)
    """
    pauses = np.diff(at)
    if len(at) < 2 or at[0] != 0 or np.any(pauses <= 0):
        raise BadInput(f"at is {tuple(at)}; expected rising numbers of steps, the first 0 and one more at least")
    shape = _shape(update.after, strings, start.hidden.shape[2])
    chunk = int(np.gcd.reduce(pauses))  # one compiled loop serves all pauses
    params, optimiser = start, None
    curves = [evaluated(update.after, reading, params, strings).nats]
    for k in range(at[-1] // chunk):
        params, _, optimiser = made.train(
            shape,
            params,
            _draw(reading),
            _source(update.after),
            chunk,
            seed=seed + k,
            learning_rate=learning_rate,
            decay=False,
            optimiser=optimiser,
        )
        if (k + 1) * chunk in at:
            curves.append(evaluated(update.after, reading, params, strings).nats)
    return np.array(curves) / (2 * update.after.bits)


def _shape(language: LinearLanguage, strings: Any, width: int) -> made.Made:
    m = language.bits
    if np.ndim(strings) != 2 or np.shape(strings)[1] != 2 * m:
        raise ShapeMismatch(f"strings have shape {np.shape(strings)}; expected (count, {2 * m})")
    return made.Made(2 * m, 2, width, first=m)


def _draw(reading: Reading) -> made.Draw:
    if reading not in _DRAW:
        raise BadInput(f"reading {reading!r} is unknown; expected 'forward' or 'backward'")
    return _DRAW[reading]


def _source(language: LinearLanguage) -> np.ndarray:
    return language.matrix.astype(np.float32)
