"""How training goes: AdamW with warm-up and a cosine, the same for both directions."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import jax.numpy as jnp

from theodolite.numerics.errors import BadInput

RATES = {"gpt": 2e-3, "gru": 4e-3, "lstm": 4e-3}  # tuned for the small sizes; the paper uses 1e-4 for its own


@dataclass(frozen=True)
class Schedule:
    """Learning rate at the top, steps of warm-up, the share of the rate at the end, and AdamW's settings."""

    rate: float
    warm_up: int = 50
    floor: float = 0.05
    b2: float = 0.99
    decay: float = 0.01
    clip: float = 1.0

    def __post_init__(self) -> None:
        if not self.rate > 0 or self.warm_up < 1:
            raise BadInput(f"the learning rate must be positive and the warm-up at least 1 step, got {self}")

    def at(self, step: Any, total: Any) -> Any:
        """The rate of a step of `total`: linear up, then a cosine down to `floor` of the top."""
        step, total = jnp.asarray(step, jnp.float32), jnp.asarray(total, jnp.float32)
        warm = jnp.minimum(self.warm_up, 0.2 * total)  # a short run warms up for a fifth of it
        up = (step + 1) / jnp.maximum(warm, 1.0)
        done = jnp.clip((step - warm) / jnp.maximum(total - warm, 1.0), 0.0, 1.0)
        down = self.floor + (1 - self.floor) * 0.5 * (1 + jnp.cos(jnp.pi * done))
        return self.rate * jnp.minimum(up, down)


@cache
def optimiser(schedule: Schedule) -> Any:
    """Clipping and Adam, without the rate. One object per schedule, so that all runs share one compilation."""
    import optax

    return optax.chain(
        optax.clip_by_global_norm(schedule.clip),
        optax.scale_by_adam(b1=0.9, b2=schedule.b2),
        optax.add_decayed_weights(schedule.decay),
    )
