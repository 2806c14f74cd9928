"""MADE: one small masked network for each place of a string, a learner that needs no more than seconds.

Each place has a network of one hidden layer of ReLUs that sees the symbols before it, in reading order, and nothing
else. Forward and backward learners are the same function of the strings and of the flipped strings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch

Draw = Callable[[Any, Any, int], Any]


@dataclass(frozen=True)
class Made:
    """The shape of a learner: strings of `length` symbols out of `alphabet`, of which places `first` .. are learnt.

    Places before `first` are left out where they are known to be unpredictable.
    Source: Germain, Gregor, Murray and Larochelle (2015), arXiv:1502.03509, with a network of its own for each place.
    """

    length: int
    alphabet: int
    width: int = 96
    first: int = 0

    def __post_init__(self) -> None:
        for name in ("length", "width"):
            positive_integer(getattr(self, name), name)
        if self.alphabet < 2:
            raise BadInput(f"alphabet has {self.alphabet} symbols; expected 2 or more")
        if not 0 <= self.first < self.length:
            raise BadInput(f"first is {self.first}; expected a place from 0 to {self.length - 1}")

    @property
    def places(self) -> int:
        """How many places are learnt."""
        return self.length - self.first

    @property
    def features(self) -> int:
        """Numbers that describe a string: one sign a bit, or one indicator a symbol."""
        return self.length if self.alphabet == 2 else self.length * self.alphabet

    def mask(self) -> Float[np.ndarray, "places features"]:
        """Which features each place may see: those of symbols strictly before it."""
        of_symbol = np.repeat(np.arange(self.length), self.features // self.length)
        return (of_symbol[None] < np.arange(self.first, self.length)[:, None]).astype(np.float32)


class MadeParams(NamedTuple):
    """Weights of all places: into the hidden layer (p, f, w), (p, w), and out of it (p, w, a - 1), (p, a - 1)."""

    hidden: Any
    hidden_bias: Any
    out: Any
    out_bias: Any


class Training(NamedTuple):
    """A trained learner, its training loss per string at every step in nats, and the state of its optimiser."""

    params: MadeParams
    losses: np.ndarray
    optimiser: Any


def init(shape: Made, rng: np.random.Generator) -> MadeParams:
    """Normal weights of deviation 1/sqrt(symbols) inwards and 1/sqrt(width) outwards, biases zero; float32."""
    p, f, w, a = shape.places, shape.features, shape.width, shape.alphabet - 1
    hidden = rng.standard_normal((p, f, w)) / np.sqrt(shape.length)
    out = rng.standard_normal((p, w, a)) / np.sqrt(w)
    parts = (hidden, np.zeros((p, w)), out, np.zeros((p, a)))
    return MadeParams(*(part.astype(np.float32) for part in parts))


def losses(shape: Made, params: MadeParams, strings: Any, xp: Any = np) -> Any:
    """-log P(symbol | symbols before it) in nats, (count, places), for strings (count, length) in reading order.

    Args: params of any precision, which is kept; strings of symbols 0 .. alphabet - 1; xp, numpy or jax.numpy.

    >>> shape = Made(length=3, alphabet=2, width=4)
    >>> params = init(shape, np.random.default_rng(0))
    >>> every = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
    >>> round(float(np.exp(-losses(shape, params, every).sum(1)).sum()), 6)  # the law of all strings adds up to 1
    1.0
    """
    if strings.ndim != 2 or strings.shape[1] != shape.length:
        raise ShapeMismatch(f"strings have shape {strings.shape}; expected (count, {shape.length})")
    dtype = params.hidden.dtype
    if shape.alphabet == 2:
        seen = (2 * strings - 1).astype(dtype)
    else:
        seen = (strings[:, :, None] == xp.arange(shape.alphabet)).astype(dtype).reshape(len(strings), -1)
    masked = params.hidden * xp.asarray(shape.mask(), dtype=dtype)[:, :, None]
    hidden = xp.maximum(xp.einsum("bf,pfw->pbw", seen, masked) + params.hidden_bias[:, None], 0)
    scores = xp.einsum("pbw,pwa->pba", hidden, params.out) + params.out_bias[:, None]
    scores = xp.concatenate([xp.zeros_like(scores[:, :, :1]), scores], axis=2)  # the first symbol is the reference
    top = scores.max(axis=2, keepdims=True)
    normaliser = xp.log(xp.exp(scores - top).sum(axis=2)) + top[:, :, 0]
    wanted = xp.take_along_axis(scores, strings.T[shape.first :, :, None], axis=2)[:, :, 0]
    return (normaliser - wanted).T


def evaluate(
    shape: Made, params: MadeParams, strings: Int[np.ndarray, "count length"], block: int = 2000
) -> Float[np.ndarray, "count places"]:
    """Losses of the learnt places in float64 on the host, block by block."""
    exact = MadeParams(*(np.asarray(part, dtype=np.float64) for part in params))
    return np.concatenate([losses(shape, exact, strings[i : i + block]) for i in range(0, len(strings), block)])


def train(
    shape: Made,
    params: MadeParams,
    draw: Draw,
    source: Any,
    steps: int,
    *,
    seed: int,
    learning_rate: float = 4e-3,
    batch: int = 256,
    decay: bool = True,
    optimiser: Any = None,
) -> Training:
    """Adam on fresh batches, with a cosine schedule to zero (`decay`) or at a constant rate.

    Args: draw(key, source, batch), strings in reading order (a module-level function: it is compiled once for each
        shape); source, arrays that it draws from; seed of the batches, to be shared by both directions; optimiser, the
        state to go on from, a fresh one without.
    Returns: `Training`.
    Cost: about 6 places * features * width * batch operations a step.
    """
    import jax
    import optax

    state = optax.scale_by_adam().init(params) if optimiser is None else optimiser
    ran = _compiled(shape, draw, positive_integer(steps, "steps"), batch)(
        params, state, source, jax.random.key(seed), float(learning_rate), float(decay)
    )
    found, state, history = jax.device_get(ran)
    return Training(MadeParams(*found), np.asarray(history, dtype=np.float64), state)


def loss_per_string(shape: Made, place_losses: np.ndarray, known: Sequence[float] | float = 0.0) -> np.ndarray:
    """Loss of whole strings, (count,): the learnt places and what the places before them are known to cost."""
    if place_losses.shape[-1] != shape.places:
        raise ShapeMismatch(f"losses have shape {place_losses.shape}; expected {shape.places} places")
    return place_losses.sum(-1) + float(np.sum(known))


def draw_linear(key: Any, matrix: Any, batch: int) -> Any:
    """Strings x, A x over F2, read forwards; matrix (m, m) of 0 and 1."""
    import jax
    import jax.numpy as jnp

    x = jax.random.bernoulli(key, 0.5, (batch, len(matrix))).astype(jnp.float32)
    y = (x @ matrix.T) % 2
    return jnp.concatenate([x, y], axis=1).astype(jnp.int32)


def draw_linear_backward(key: Any, matrix: Any, batch: int) -> Any:
    """The same strings from the same key, read backwards."""
    return draw_linear(key, matrix, batch)[:, ::-1]


def draw_rows(key: Any, table: Any, batch: int) -> Any:
    """Rows of a table of strings, uniformly; give the flipped table to read backwards."""
    import jax

    return table[jax.random.randint(key, (batch,), 0, len(table))]


@lru_cache(maxsize=32)
def _compiled(shape: Made, draw: Draw, steps: int, batch: int) -> Callable[..., Any]:
    """The training loop of one shape, compiled: `steps` steps of one scan."""
    import jax
    import jax.numpy as jnp
    import optax

    def objective(params: MadeParams, strings: Any) -> Any:
        return losses(shape, params, strings, jnp).sum(1).mean()

    rule = optax.scale_by_adam()

    @jax.jit
    def run(params: MadeParams, memory: Any, source: Any, key: Any, rate: Any, decay: Any) -> Any:

        def step(state: Any, k: Any) -> Any:
            params, memory = state
            value, slope = jax.value_and_grad(objective)(params, draw(jax.random.fold_in(key, k), source, batch))
            update, memory = rule.update(slope, memory)
            pace = rate * (1.0 - decay * (0.5 - 0.5 * jnp.cos(jnp.pi * k / steps)))
            return (jax.tree.map(lambda a, b: a - pace * b, params, update), memory), value

        (params, memory), history = jax.lax.scan(step, (params, memory), jnp.arange(steps))
        return params, memory, history

    return run
