"""Training one network on prepared windows: a scan over batches, compiled once for both directions and all seeds."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from theodolite.language_arrow.schedule import Schedule, optimiser
from theodolite.language_arrow.token_losses import token_losses


class Trained(NamedTuple):
    """What the next chunk needs: the network and the state of its optimiser."""

    network: Any
    state: Any


def init(network: Any, schedule: Schedule) -> Trained:
    """The start of a run."""
    return Trained(network, optimiser(schedule).init(eqx.filter(network, eqx.is_inexact_array)))


def step(
    trained: Trained,
    batches: Int[Array, "k b l"] | Int[np.ndarray, "k b l"],
    first: int,
    total: int,
    schedule: Schedule,
) -> tuple[Trained, Float[Array, " k"]]:
    """Train on k batches. Args: first, steps done before; total, steps of the run (the cosine ends there).

    Returns: the new state, and the mean loss of each batch before its update, in nats per token.
    """
    return _chunk(trained, _spread(batches), jnp.asarray(first), jnp.asarray(total), schedule)


@eqx.filter_jit
def _chunk(trained: Trained, batches: Any, first: Any, total: Any, schedule: Schedule) -> tuple[Trained, Any]:
    _, rest = eqx.partition(trained.network, eqx.is_inexact_array)

    def one(carry: Any, batch: Any) -> tuple[Any, Any]:
        weights, state, now = carry
        loss, slope = jax.value_and_grad(lambda w: token_losses(eqx.combine(w, rest), batch).mean())(weights)
        change, state = optimiser(schedule).update(slope, state, weights)
        rate = schedule.at(now, total)
        weights = jax.tree.map(lambda w, c: w - rate * c, weights, change)
        return (weights, state, now + 1), loss

    start = eqx.filter(trained.network, eqx.is_inexact_array), trained.state, first
    (weights, state, _), losses = jax.lax.scan(one, start, batches)
    return Trained(eqx.combine(weights, rest), state), losses


def _spread(batches: Any) -> Any:
    """Batches over all devices, rows split among them, when there are several that divide the rows."""
    devices = jax.devices()
    if len(devices) == 1 or batches.shape[1] % len(devices):
        return jnp.asarray(batches)
    mesh = jax.sharding.Mesh(devices, ("rows",))
    return jax.device_put(batches, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(None, "rows")))
