"""Which layers would learn a target, and learning rates by layer that would learn it sooner."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from theodolite.architectures import Node, ParallelSum, Residual, layers_with_weights, name_of, nodes_of
from theodolite.infinite_width.frequencies.layer_spectra import LayerSpectra, layer_spectra
from theodolite.infinite_width.frequencies.target_spectrum import TargetSpectrum, target_spectrum
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput

OFF = 0.15  # difference of a measured share from the predicted one beyond which the kernel regime is off
EVEN = 2.0  # energies of all degrees over the mean square of the target beyond which the points are not uniform


class KernelRegimeIsOff(UserWarning):
    """A trained network shares out its work differently from what its kernel at initialisation says."""


@dataclass(frozen=True, eq=False)
class LayerAdvice:
    """What each layer of weights would do, in the kernel regime, (layers,) each, the first layer first.

    `share`: of the removable error that each layer removes, equal learning rates and training to the end; `rates`:
    relative learning rates, of the same trace as rates of 1, that leave the least error after `steps`; `remaining` and
    `remaining_uniform`: the share of the removable error left then, with these rates and with equal ones. `names` of
    the layers, in order. `target` and `spectra` are what it was made from.
    """

    names: tuple[str, ...]
    share: np.ndarray
    rates: np.ndarray
    steps: int
    remaining: float
    remaining_uniform: float
    target: TargetSpectrum
    spectra: LayerSpectra

    @property
    def gain(self) -> float:
        """Error left with equal rates over error left with the suggested ones, at least 1."""
        return self.remaining_uniform / self.remaining if self.remaining > 0 else 1.0

    def learning_rates(self, rate: float) -> dict[str, float]:
        """{layer: rate * suggestion}, ready for `optax.multi_transform({k: optax.sgd(v) for k, v in ...}, labels)`.

        The names are those of the parameters of `finite_width.network`, and so are the labels, one for each layer.
        """
        return {name: float(rate * own) for name, own in zip(self.names, self.rates, strict=True)}

    def compare(self, measured: Mapping[str, float]) -> np.ndarray:
        """Measured minus predicted shares; warns (`KernelRegimeIsOff`) when one is off by more than 0.15.

        Args: measured, the error removed by each layer, by name, as `training_dynamics.LayerAttribution` has it.
        """
        missing = [name for name in self.names if name not in measured]
        if missing:
            raise BadInput(f"no measured contribution of {', '.join(missing)}; expected one for each layer of weights")
        found = np.array([measured[name] for name in self.names])
        if not found.sum() > 0:
            raise BadInput(f"the layers together removed {found.sum():.3g} of the error; shares need a positive sum")
        difference = found / found.sum() - self.share
        worst = int(np.abs(difference).argmax())
        if abs(difference[worst]) > OFF:
            warnings.warn(
                f"{self.names[worst]} removed {found[worst] / found.sum():.2f} of the error, predicted "
                f"{self.share[worst]:.2f}: this training is not in the kernel regime, so shares and rates do not hold",
                KernelRegimeIsOff,
                stacklevel=2,
            )
        return difference


def which_layers(
    net: Node, X: Any, Y: Any, *, degrees: int = 7, steps: int = 100, square: float | None = None
) -> LayerAdvice:
    """The share of each layer in learning a target, and learning rates by layer that learn it faster.

    Layer l removes the share mu_k^(l) / sum_j mu_k^(j) of the error in degree k, whatever the time. With rates r_l
    the error left after a time T is sum_k E_k exp(-2 T sum_l r_l mu_k^(l)); the suggested rates minimise it among
    those with sum_l r_l K^(l)(1) as for equal rates. T is `steps` steps at one over the largest eigenvalue. Kernel
    regime, squared cost, as many data as one likes, points uniform on the sphere.

    Args: net; X (n, d) on one sphere around 0; Y (n,) or (n, c); degrees, how many, from 0 on; steps of gradient
        descent one can afford; square, |x|^2 / d of the inputs the network will see, by default that of X.
    Returns: a LayerAdvice. Degrees whose energy does not stand out from noise are left out.
    Raises: BadInput when no degree stands out, when the points are not on a sphere, or so unevenly that degrees mean
        nothing there (most real data: `gram_layer_share` needs no sphere).
    Source: Dandi and Jacot (2021), arXiv:2111.03972, for the shares; the rates are ours.
    Cost: that of `target_spectrum` and `layer_spectra`.

    >>> from theodolite.architectures import Dense, Relu
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 5))
    >>> X *= np.sqrt(5) / np.linalg.norm(X, axis=1, keepdims=True)
    >>> net = Dense() >> Relu().standardised() >> Dense()
    >>> which_layers(net, X, X[:, 0] * X[:, 1]).share.round(2)  # degree 2 is the first layer's
    array([0.69, 0.31])
    """
    steps, names = positive_integer(steps, "steps"), _names(net)
    target = target_spectrum(X, Y, degrees)
    _spread_evenly(target)
    points = np.asarray(X, dtype=np.float64)
    size = float(np.mean(points**2)) if square is None else square
    spectra = layer_spectra(net, target.dimension, degrees, square=size)
    energy = np.where(target.found & (spectra.eigenvalues.sum(axis=0) > 0), target.energy, 0.0)
    if not energy.any():
        raise BadInput(
            f"no degree below {degrees} stands out from noise among {len(points)} points in {target.dimension} "
            "dimensions; more points are needed, or more degrees"
        )
    energy /= energy.sum()
    time = steps / float(spectra.eigenvalues.sum(axis=0).max())
    rates = _best_rates(energy, spectra, time)
    return LayerAdvice(
        names,
        spectra.share @ energy,
        rates,
        steps,
        _left(rates, energy, spectra.eigenvalues, time),
        _left(np.ones(len(rates)), energy, spectra.eigenvalues, time),
        target,
        spectra,
    )


def _spread_evenly(target: TargetSpectrum) -> None:
    """On uniform points the energies add up to the mean square of the target, but for noise; elsewhere to far more."""
    found, noise = target.energy.sum(), np.linalg.norm(target.standard_deviation)
    if found > EVEN * target.total + 4 * noise:
        raise BadInput(
            f"the energies of the degrees add up to {found:.3g}, the mean square of the target is {target.total:.3g}: "
            "the points are not spread evenly over the sphere, and degrees mean nothing there; gram_layer_share takes "
            "any data"
        )


def _names(net: Node) -> tuple[str, ...]:
    """The layers of weights as `finite_width.network` names them."""
    nodes = nodes_of(net)
    if any(isinstance(node, Residual | ParallelSum) for node in nodes):
        raise BadInput(f"{net!r} has branches; advice by layer is for layers in a row")
    return tuple(name_of(place, node) for place, node in enumerate(nodes) if layers_with_weights(node))


def _left(rates: np.ndarray, energy: np.ndarray, eigenvalues: np.ndarray, time: float) -> float:
    return float(energy @ np.exp(-2 * time * (rates @ eigenvalues)))


def _best_rates(energy: np.ndarray, spectra: LayerSpectra, time: float) -> np.ndarray:
    """A convex problem on a simplex; shares of the trace are the variables."""
    per_share = spectra.eigenvalues / spectra.traces[:, None] * spectra.traces.sum()
    layers = len(per_share)

    def left(shares: np.ndarray) -> tuple[float, np.ndarray]:
        decay = energy * np.exp(-2 * time * (shares @ per_share))
        return float(decay.sum()), -2 * time * (per_share @ decay)

    start = spectra.traces / spectra.traces.sum()
    found = minimize(
        left,
        start,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * layers,
        constraints=[{"type": "eq", "fun": lambda s: s.sum() - 1.0, "jac": lambda s: np.ones(layers)}],
        options={"ftol": 1e-14, "maxiter": 500},
    )
    shares = np.clip(found.x, 0.0, None)
    shares /= shares.sum()
    shares = shares if left(shares)[0] <= left(start)[0] else start
    return shares * spectra.traces.sum() / spectra.traces
