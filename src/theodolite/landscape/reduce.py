"""A smaller network with the same function: copies merged, neurons that do nothing dropped, the result verified."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theodolite.landscape.copies import copy_groups
from theodolite.landscape.jacobian import jacobian_products, outputs_and_jacobian
from theodolite.landscape.levenberg_marquardt import Products, levenberg_marquardt, levenberg_marquardt_products
from theodolite.landscape.mlp import Mlp
from theodolite.landscape.rescaling import normalised
from theodolite.numerics.checks import positive, target_columns
from theodolite.numerics.errors import ShapeMismatch

MOST_DENSE = 2000  # parameters; beyond, a refit takes products with the Jacobian instead of the Jacobian
REFIT_STEPS = 100
LARGEST_JACOBIAN = 2e7  # entries of the Jacobian of a refit; beyond it rows are left out evenly
LADDER = (1.0, 1e-2, 1e-4, 1e-7)  # of the tolerance, tried in turn until a reduction is accepted


@dataclass(frozen=True)
class LayerReduction:
    """What became of the neurons of one hidden layer; copies + silent + constant + inactive = width - kept.

    Attributes: width, before; kept, after; copies, merged into another one; silent, groups whose outgoing weights add
    up to nothing; constant, without incoming weights (their value goes to the next bias); inactive, zero on every input
    given.
    """

    width: int
    kept: int
    copies: int = 0
    silent: int = 0
    constant: int = 0
    inactive: int = 0


@dataclass(frozen=True)
class Reduction:
    """A verified smaller network.

    Attributes: network, the smaller one, or the old one when nothing could be taken away; layers; before and after,
    what was verified: the largest difference of the outputs from the old ones over their largest size, or, with
    targets, half the mean squared error (before: of the old network); refitted, whether weights were adjusted after
    merging; tolerance, the one accepted; accepted, False when neurons looked alike but no smaller network kept the
    function.
    """

    network: Mlp
    layers: tuple[LayerReduction, ...]
    before: float
    after: float
    refitted: bool
    tolerance: float
    accepted: bool

    @property
    def removed(self) -> int:
        """Neurons that are gone."""
        return sum(layer.width - layer.kept for layer in self.layers)


def reduce(
    network: Mlp,
    X: Any,
    targets: Any = None,
    *,
    tolerance: float = 1e-6,
    accept: float | None = None,
    refit: bool = True,
    inactive: bool = True,
    memory_limit: int | str | None = None,
) -> Reduction:
    """Merge copies and drop dead neurons as long as the function, or the fit to targets, stays.

    Neurons whose incoming weights and biases agree within the tolerance (up to sign for odd activations, up to a factor
    for homogeneous ones) become one, with the mean incoming and the sum of the outgoing weights. Groups whose outgoing
    weights add up to nothing, neurons without incoming weights and neurons that are zero on all of X are dropped. The
    smaller network is refitted by Levenberg-Marquardt, to the outputs of the old one or to the targets, and is accepted
    only if it does as well; otherwise a stricter tolerance is tried. With more than 2000 parameters the refit goes by
    products with the Jacobian and is left out where merging alone does. Networks with homogeneous activations come back
    `normalised`.

    Args: network; X (n, inputs), the inputs on which it must stay the same, as many and as varied as one can;
        targets (n,) or (n, o), for a network in training to zero loss: keep the fit rather than the function;
        tolerance, relative to the typical size of incoming vectors: 1e-6 finds exact copies, 0.05 copies that training
        left a little apart; accept, the largest difference of outputs relative to the largest one (1e-6), or with
        targets the largest half mean squared error (that of the old network or 1e-10, whichever is larger);
        refit, False to leave weights as merged; inactive, False to keep neurons that are zero on all of X, which is
        right when X is not like the inputs to come.
    Returns: a Reduction. Raises: ShapeMismatch, BadInput, TooLarge.
    Source: Simsek et al. (2021), arXiv:2105.12221, expansion manifold; procedure ours.
    Cost: pairs of neurons of a layer, and for the refit a few dozen Jacobians, or some thousand passes over X.

    >>> from theodolite.landscape import mlp, split_neuron
    >>> net = mlp([[[1.0], [-2.0]], [[3.0, 1.0]]], activation="softplus")
    >>> found = reduce(split_neuron(net, 0, 1, (0.3, 0.7)), np.linspace(-1, 1, 20)[:, None])
    >>> found.network.widths, found.layers[0].copies, found.accepted
    ((2,), 1, True)
    """
    positive(tolerance, "tolerance")
    inputs = np.asarray(X, dtype=np.float64)
    old = network(inputs)
    goal = old if targets is None else target_columns(targets, len(inputs))
    if goal.shape != old.shape:
        raise ShapeMismatch(f"targets have shape {goal.shape}; the network gives {old.shape}")
    judge = _Judge(old, goal, targets is not None, accept)
    before = judge.of(old)
    untouched = tuple(LayerReduction(width, width) for width in network.widths)
    tried = False
    for step in LADDER:
        smaller, layers = _merged(network, inputs, step * tolerance, inactive, memory_limit)
        if smaller.widths == network.widths:
            break
        tried = True
        if 0 in smaller.widths:
            continue
        after, refitted = judge.of(smaller(inputs)), False
        dense = smaller.parameters <= MOST_DENSE
        if refit and after > (1e-14 if dense else judge.limit(before)):
            better = _refitted(smaller, inputs, goal, judge.enough(before), memory_limit)
            if judge.of(better(inputs)) < after:
                smaller, after, refitted = better, judge.of(better(inputs)), True
        if after <= judge.limit(before):
            return Reduction(smaller, layers, before, after, refitted, step * tolerance, True)
    return Reduction(network, untouched, before, before, False, tolerance, not tried)


@dataclass(frozen=True)
class _Judge:
    """Whether outputs are as good as the old ones."""

    old: np.ndarray
    goal: np.ndarray
    fits_targets: bool
    accept: float | None

    def of(self, outputs: np.ndarray) -> float:
        if self.fits_targets:
            return float(np.sum((outputs - self.goal) ** 2) / (2 * len(self.goal)))
        size = float(np.abs(self.old).max(initial=0.0))
        return float(np.abs(outputs - self.old).max(initial=0.0)) / (size or 1.0)

    def limit(self, before: float) -> float:
        if self.fits_targets:
            return max(before, 1e-10) if self.accept is None else self.accept
        return 1e-6 if self.accept is None else self.accept

    def enough(self, before: float) -> float:
        """A sum of squared differences from the goal with which outputs are accepted for sure."""
        if self.fits_targets:
            return 0.1 * 2 * len(self.goal) * self.limit(before)
        return (0.5 * self.limit(before) * float(np.abs(self.old).max(initial=0.0))) ** 2


def _merged(
    network: Mlp, X: np.ndarray, tolerance: float, inactive: bool, memory_limit: int | str | None
) -> tuple[Mlp, tuple[LayerReduction, ...]]:
    """Sweeps over the layers until nothing changes: merging in one layer shows copies in the others."""
    found = normalised(network)
    layers = [LayerReduction(width, width) for width in network.widths]
    while True:
        widths = found.widths
        for layer in (*range(len(widths)), *reversed(range(len(widths)))):
            found, seen = _layer_merged(found, layer, X, tolerance, inactive, memory_limit)
            so_far = layers[layer]
            layers[layer] = LayerReduction(
                so_far.width,
                seen.kept,
                so_far.copies + seen.copies,
                so_far.silent + seen.silent,
                so_far.constant + seen.constant,
                so_far.inactive + seen.inactive,
            )
            if seen.kept == 0:
                return found, tuple(layers)
        if found.widths == widths:
            return found, tuple(layers)


def _layer_merged(
    network: Mlp, layer: int, X: np.ndarray, tolerance: float, inactive: bool, memory_limit: int | str | None
) -> tuple[Mlp, LayerReduction]:
    incoming, outgoing = network.incoming(layer), network.outgoing(layer)
    width, fan_in = len(incoming), network.weights[layer].shape[1]
    norms = np.linalg.norm(incoming, axis=1)
    typical = np.sqrt(np.mean(norms**2)) or 1.0
    loudness = np.sqrt(np.mean(np.sum(outgoing**2, axis=1))) or 1.0

    bias = network.biases[layer + 1]
    unfed = np.linalg.norm(incoming[:, :fan_in], axis=1) <= tolerance * typical
    values = network.activation.value(incoming[:, -1] if network.biases[layer] is not None else np.zeros(width))
    constant = unfed & ((values == 0) | (bias is not None))
    if bias is not None:
        bias = bias + values[constant] @ outgoing[constant]
    never = np.zeros(width, bool)
    if inactive and network.activation.homogeneous:
        never = ~constant & ~np.any(_values(network, layer, X), axis=0)
    left = np.flatnonzero(~constant & ~never)
    groups, signs = copy_groups(incoming[left], network.activation.odd, tolerance * typical, memory_limit)
    kept_in, kept_out, copies, silent = [], [], 0, 0
    for label in range(groups.max(initial=-1) + 1):
        members = np.flatnonzero(groups == label)
        turned = signs[members][:, None]
        sent, own = turned * outgoing[left[members]], turned * incoming[left[members]]
        total = sent.sum(0)
        if np.linalg.norm(total) <= tolerance * loudness:
            silent += len(members)
            continue
        copies += len(members) - 1
        weights = np.linalg.norm(sent, axis=1)
        kept_in.append(weights @ own / weights.sum())
        kept_out.append(total)
    seen = LayerReduction(width, len(kept_in), copies, silent, int(constant.sum()), int(never.sum()))
    if len(kept_in) == width:
        return network, seen
    new_in = np.array(kept_in).reshape(-1, incoming.shape[1])
    new_out = np.array(kept_out).reshape(-1, outgoing.shape[1])
    return network.with_layer(layer, new_in, new_out, bias), seen


def _values(network: Mlp, layer: int, X: np.ndarray) -> np.ndarray:
    """Values of the neurons of a hidden layer."""
    upper = np.eye(network.widths[layer])
    part = replace(network, weights=(*network.weights[: layer + 1], upper), biases=(*network.biases[: layer + 1], None))
    return part(X)


def _refitted(network: Mlp, X: np.ndarray, goal: np.ndarray, enough: float, memory_limit: int | str | None) -> Mlp:
    start = network.flat()
    if len(start) > MOST_DENSE:

        def products(at: np.ndarray) -> Products:
            outputs, along, back = jacobian_products(network.unflat(at), X)
            return (outputs - goal).ravel(), along, back

        return network.unflat(levenberg_marquardt_products(products, start, REFIT_STEPS, enough=enough))
    rows = max(1, min(len(X), int(max(LARGEST_JACOBIAN / len(start), 2 * len(start)) / goal.shape[1])))
    chosen = np.unique(np.linspace(0, len(X) - 1, rows).astype(int))  # the result is judged on all rows
    X, goal = X[chosen], goal[chosen]
    found = levenberg_marquardt(
        lambda at: (network.unflat(at)(X) - goal).ravel(),
        lambda at: outputs_and_jacobian(network.unflat(at), X, memory_limit=memory_limit)[1],
        start,
        REFIT_STEPS,
    )
    return network.unflat(found)
