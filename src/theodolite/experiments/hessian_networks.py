"""Networks of the Hessian cases: digits on a sphere, their parity, parameters drawn and trained, moments measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.architectures import Activation, Serial, Softplus, plain
from theodolite.curvature import Operator, Problem, laplacian, problem, residual
from theodolite.experiments.key import Key
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.experiments.real_data import load
from theodolite.finite_width import Network, network
from theodolite.finite_width.losses import LOSSES

ACTIVATIONS: Mapping[str, Activation] = {"softplus": Softplus(), "normalised softplus": Softplus().normalised()}
TOGETHER = 8  # vectors multiplied in one call


def architecture(activation: str, depth: int, beta: float) -> Serial:
    """Fully connected, `depth` layers of weights."""
    return plain(ACTIVATIONS[activation], depth, beta)


def digits_on_a_sphere(rows: int, subset: int) -> tuple[np.ndarray, np.ndarray]:
    """Digits of 8 x 8 pixels, the mean image taken away, |x|^2 = 64, (rows, 64); parity +1 or -1, (rows, 1).

    `subset` seeds the choice of rows, which does not depend on the key of a case.
    """
    table = load("digits parity", Key(0))
    chosen = np.random.default_rng(subset).choice(len(table.inputs), rows, replace=False)
    X = table.inputs[chosen] - table.inputs.mean(0)
    X *= 8.0 / np.linalg.norm(X, axis=1, keepdims=True)
    return X, table.targets[chosen, None]


def drawn(net: Serial, width: int, outputs: int, inputs: int, key: Key, dtype: Any = np.float32) -> tuple[Network, Any]:
    """A network and its parameters; the same object for the same network, so that nothing is compiled twice."""
    f = _network(net, width, outputs)
    params = parameters_drawn(f, (inputs,), 1, key.rng(), dtype)
    return f, jax.tree.map(lambda leaf: leaf[0], params)


_network = lru_cache(maxsize=64)(network)


def descended(f: Network, params: Any, X: np.ndarray, Y: np.ndarray, rate: float, steps: int, loss: str = "mse") -> Any:
    """Parameters after full-batch gradient descent on the mean loss, in the dtype of params."""
    dtype = jax.tree.leaves(params)[0].dtype
    with jax.enable_x64(dtype == np.float64):
        return _descended(f, loss, params, X.astype(dtype), Y.astype(dtype), dtype.type(rate), steps)


@partial(jax.jit, static_argnums=(0, 1))
def _descended(f: Network, loss: str, params: Any, X: Any, Y: Any, rate: Any, steps: Any) -> Any:
    def cost(own: Any) -> Any:
        return jnp.mean(LOSSES[loss].value(f.apply(own, X), Y))

    def step(_: Any, own: Any) -> Any:
        return jax.tree.map(lambda leaf, slope: leaf - rate * slope, own, jax.grad(cost)(own))

    return jax.lax.fori_loop(0, steps, step, params)


@dataclass(frozen=True, eq=False)
class Parts:
    """One network with one output at one point of its training on the squared cost.

    `jacobian` J (n, P) and its products with S are held in the dtype of params; traces are in float64.
    """

    f: Network
    params: Any
    X: np.ndarray
    Y: np.ndarray

    @cached_property
    def problem(self) -> Problem:
        dtype = jax.tree.leaves(self.params)[0].dtype
        return problem("mse", self.f, self.params, (self.X.astype(dtype), self.Y.astype(dtype)))

    @cached_property
    def residual(self) -> Operator:
        return residual(self.problem)

    @cached_property
    def slopes(self) -> np.ndarray:
        """dC/df = (f - y) / n at each point, (n, 1), float64."""
        return np.asarray(self.problem.slopes, np.float64).reshape(-1, 1)

    @cached_property
    def outputs(self) -> np.ndarray:
        """f, (n, 1), float64."""
        return self.slopes * len(self.X) + self.Y

    @cached_property
    def traces(self) -> np.ndarray:
        """g, the Laplacian of the output, (n, 1), float64."""
        return laplacian(self.f, self.params, self.X).astype(np.float64)

    @cached_property
    def residual_trace(self) -> float:
        """Tr S, exactly."""
        return float(np.sum(self.traces * self.slopes))

    @cached_property
    def jacobian(self) -> np.ndarray:
        dtype = jax.tree.leaves(self.params)[0].dtype
        with self.problem.precise():
            return np.asarray(_jacobian(self.f, self.params, self.X.astype(dtype)))

    @cached_property
    def moved(self) -> np.ndarray:
        """J S, (n, P)."""
        return self.times_residual(self.jacobian)

    @cached_property
    def gram(self) -> np.ndarray:
        """J J' / n, whose eigenvalues are those of the Gauss-Newton part."""
        return inner(self.jacobian, self.jacobian) / len(self.X)

    @property
    def gauss_newton_powers(self) -> np.ndarray:
        """Tr I^k, k = 1, 2, 3, 4."""
        eigenvalues = np.linalg.eigvalsh(self.gram)
        return np.array([np.sum(eigenvalues**k) for k in (1, 2, 3, 4)])

    def times_residual(self, rows: np.ndarray) -> np.ndarray:
        """The products of S with each row; always as many at a time, so that one shape is compiled."""
        missing = -len(rows) % TOGETHER
        padded = np.concatenate([rows, np.zeros((missing, rows.shape[1]), rows.dtype)]) if missing else rows
        found = [self.residual.rows(padded[i : i + TOGETHER]) for i in range(0, len(padded), TOGETHER)]
        return np.concatenate(found)[: len(rows)]

    def residual_powers(self, probes: np.ndarray) -> np.ndarray:
        """v' S^k v for each row v of probes and k = 2, 3, 4, (probes, 3); their means over random signs are Tr S^k."""
        once = self.times_residual(probes)
        twice = self.times_residual(once)
        pairs = ((once, once), (once, twice), (twice, twice))
        return np.stack([np.einsum("ij,ij->i", a, b, dtype=np.float64) for a, b in pairs], axis=1)

    def crossed(self) -> np.ndarray:
        """Tr H^k - Tr I^k - Tr S^k for k = 1, 2, 3, 4, exactly: the products of I and S."""
        n = len(self.X)
        further = self.times_residual(self.moved)
        G = self.gram
        one, two = inner(self.jacobian, self.moved) / n, inner(self.moved, self.moved) / n
        three = inner(further, self.moved) / n
        return np.array(
            [
                0.0,
                2 * np.trace(one),
                3 * np.trace(G @ one) + 3 * np.trace(two),
                4 * np.trace(G @ G @ one) + 4 * np.trace(G @ two) + 2 * np.trace(one @ one) + 4 * np.trace(three),
            ]
        )

    def product_square(self) -> float:
        """|I S|^2 in the Frobenius norm, exactly."""
        return float(np.sum(self.gram * inner(self.moved, self.moved)) / len(self.X))

    def signs(self, count: int, key: Key) -> np.ndarray:
        """Random signs, (count, P), in the dtype of params."""
        dtype = jax.tree.leaves(self.params)[0].dtype
        return (2 * key.rng().integers(0, 2, (count, self.problem.size), dtype=np.int8) - 1).astype(dtype)


def inner(left: np.ndarray, right: np.ndarray, block: int = 2**14) -> np.ndarray:
    """left right', summed in float64 a block of columns at a time."""
    total = np.zeros((len(left), len(right)))
    for start in range(0, left.shape[1], block):
        part = slice(start, start + block)
        total += left[:, part].astype(np.float64) @ right[:, part].astype(np.float64).T
    return total


@partial(jax.jit, static_argnums=0)
def _jacobian(f: Network, params: Any, X: Any) -> Any:
    def one(x: Any) -> Any:
        slope = jax.grad(lambda own: f.apply(own, x[None])[0, 0])(params)
        return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(slope)])

    return jax.lax.map(one, X)
