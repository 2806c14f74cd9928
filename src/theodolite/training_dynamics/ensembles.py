"""Ensembles over initialisations at one width: trained together, and what they then say about new points."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import ShapeMismatch
from theodolite.numerics.progress import Progress, silent
from theodolite.training_dynamics.initialisations import orthogonal_layers
from theodolite.training_dynamics.training import train_ensemble

FITTED_BELOW = 1e-3  # a constraint 1 - y f > 0 counts as met below this
HURRIED = {"xla_backend_optimization_level": 0}  # drawing runs once: compiling costs more


@dataclass(frozen=True)
class Ensemble:
    """Networks of one width that differ in their initial weights.

    Attributes: width; parameters, N, weights only; outputs (members, m), on the test points, the initial ones
    subtracted; unfitted (members,), training points whose margin is not reached; steps (members,), of each.
    """

    width: int
    parameters: int
    outputs: np.ndarray
    unfitted: np.ndarray
    steps: np.ndarray


def parameters_of(width: int, depth: int, inputs: int) -> int:
    """N = d h + (L - 1) h^2 + h, the weights of `depth` hidden layers of one width and one output; biases not counted.

    Source: Geiger et al. (2019), arXiv:1901.01608, as their code counts.

    >>> parameters_of(10, 3, 10)
    310
    """
    return inputs * width + (depth - 1) * width**2 + width


def rectified(params: list[dict[str, jax.Array]], X: jax.Array) -> jax.Array:
    """f(x) of a fully connected network, ReLU between layers, weights as they are (no factor 1 / sqrt(fan_in)): (n, 1).

    >>> rectified([{"weight": jnp.ones((2, 1)), "bias": jnp.zeros(1)}], jnp.ones((1, 2))).tolist()
    [[2.0]]
    """
    h = X
    for layer in params[:-1]:
        h = jnp.maximum(h @ layer["weight"] + layer["bias"], 0.0)
    return h @ params[-1]["weight"] + params[-1]["bias"]


def hinge_rate(width: int, steps: int) -> optax.Schedule:
    """min(0.1 h^-1.5, 0.01), constant, then falling linearly to zero over the last quarter of the steps.

    The power keeps the change of f in a step of Adam independent of the width.

    Source: Geiger et al. (2019), arXiv:1901.01608; the constants and the end are ours.

    >>> rate = hinge_rate(16, 1000)
    >>> [round(float(rate(step)), 6) for step in (0, 750, 875, 1000)]
    [0.001563, 0.001563, 0.000781, 0.0]
    """
    rate = min(0.1 * width**-1.5, 1e-2)
    return lambda step: rate * jnp.clip(4.0 * (1.0 - step / steps), 0.0, 1.0)


def hinge_ensemble(
    width: int,
    X: Any,
    Y: Any,
    Z: Any,
    *,
    key: jax.Array,
    members: int,
    steps: int,
    depth: int = 3,
    progress: Progress = silent,
) -> Ensemble:
    """Train `members` ReLU networks until they fit, with the squared hinge loss and Adam on all points.

    f(x) - f(x at the start), orthogonal weights of gain one and zero biases at the start, loss the mean of
    max(0, 1 - y f)^2 / 2, Adam (0.9, 0.999) with `hinge_rate`; a member whose margins 1 - y f are all below 0.001 stays
    as it is.

    Args: width >= 1; X (n, d); Y (n,), in {-1, 1}; Z (m, d), test points; key, of jax.random, split over the members;
        members; steps, at most; depth, hidden layers; progress.
    Returns: an Ensemble. Raises: ShapeMismatch; NotFinite when training diverges.
    Source: Geiger et al. (2019), arXiv:1901.01608, with the settings of their code where known; `hinge_rate` is ours.
    Cost: 6 * steps * members * n * N operations at most.

    >>> X = np.eye(2)
    >>> found = hinge_ensemble(8, X, [1.0, -1.0], X, key=jax.random.key(0), members=2, steps=1000)
    >>> np.sign(found.outputs).tolist(), found.unfitted.tolist(), found.parameters
    ([[1.0, -1.0], [1.0, -1.0]], [0, 0], 152)
    """
    width, depth = positive_integer(width, "width"), positive_integer(depth, "depth, the number of hidden layers,")
    X, Z = jnp.asarray(X, float), jnp.asarray(Z, float)
    if X.ndim != 2 or Z.ndim != 2 or X.shape[1] != Z.shape[1]:
        raise ShapeMismatch(f"X has shape {X.shape} and Z {Z.shape}; expected (n, d) and (m, d)")
    sizes = (X.shape[1], *[width] * depth, 1)
    keys = jax.random.split(key, positive_integer(members, "members"))
    start = jax.jit(jax.vmap(lambda own: orthogonal_layers(own, sizes)), compiler_options=HURRIED)(keys)
    outputs = jax.jit(jax.vmap(rectified, in_axes=(0, None)))
    end = train_ensemble(
        rectified,
        start,
        X,
        Y,
        steps=steps,
        optimiser=optax.adam(hinge_rate(width, steps)),
        loss="squared_hinge",
        offset=outputs(start, X),
        fitted_below=FITTED_BELOW,
        progress=progress,
    )
    moved = np.asarray(outputs(end.params, Z) - outputs(start, Z))[..., 0]
    return Ensemble(width, parameters_of(width, depth, X.shape[1]), moved, end.unfitted, end.steps)
