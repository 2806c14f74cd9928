"""What to change in an architecture that is too ordered or too chaotic, and the phase that the change brings."""

import math
from collections.abc import Callable
from dataclasses import replace

from theodolite.architectures import (
    Activation,
    Dense,
    Identity,
    LayerNorm,
    Node,
    ParallelSum,
    Residual,
    Serial,
    layers_with_weights,
    nodes_of,
)
from theodolite.architectures.layers import LinearAttention, SelfAttention, Weighted
from theodolite.infinite_width.order_chaos.depth import critical_bias, unscaled
from theodolite.infinite_width.order_chaos.phase_record import Phase

Change = Callable[[Node], tuple[Node, ...]]


def activations_of(net: Node) -> tuple[Activation, ...]:
    """Every activation of an architecture in order, the identity left out.

    >>> from theodolite.architectures import parse
    >>> activations_of(parse("dense relu residual[dense erf dense] dense"))
    (Relu(), Erf())
    """
    if isinstance(net, Serial | ParallelSum):
        parts = net.nodes if isinstance(net, Serial) else net.branches
        return tuple(found for part in parts for found in activations_of(part))
    if isinstance(net, Residual):
        return activations_of(net.branch)
    return (net,) if isinstance(net, Activation) and not isinstance(net, Identity) else ()


def changed(net: Node, change: Change) -> Node:
    """The architecture with each of its innermost nodes replaced by those that `change` gives."""
    if isinstance(net, Serial):
        return Serial(tuple(part for node in net for part in nodes_of(changed(node, change))))
    if isinstance(net, ParallelSum):
        return ParallelSum(tuple(changed(branch, change) for branch in net.branches))
    if isinstance(net, Residual):
        return Residual(changed(net.branch, change))
    return Serial(change(net))


def with_bias(net: Node, bias_std: float) -> Node:
    """The architecture with one bias_std in every layer that has one.

    >>> from theodolite.architectures import parse
    >>> with_bias(parse("dense relu dense"), 0.5)
    Dense(bias_std=0.5) >> Relu() >> Dense(bias_std=0.5)
    """
    return changed(
        net,
        lambda node: (
            (replace(node, bias_std=bias_std),)  # type: ignore[type-var]
            if isinstance(node, Weighted | SelfAttention | LinearAttention)
            else (node,)
        ),
    )


def alternatives(
    net: Node, verdict: str, one: Activation | None, judge: Callable[[Node], tuple[float, str] | None]
) -> tuple[tuple[str, float, str], ...]:
    """(change, r, verdict) of changes that keep the variance; `one`: the only activation, if there is just one."""
    biases = sorted({layer.bias_std for layer in layers_with_weights(net) if isinstance(layer, Weighted)})
    beta = biases[-1] if 0 < biases[-1] < 1 else 0.1
    found: list[tuple[str, Node]] = []
    if biases[-1] > 0:
        found.append(("bias_std=0 in all layers", with_bias(net, 0.0)))
    has_norm = any(isinstance(node, LayerNorm) for node in nodes_of(net))
    if verdict != "chaos" and not has_norm:
        found.append(("LayerNorm() after each activation", changed(net, _then_norm)))
    if one is not None:
        for how, activation in (("standardised", one.standardised()), ("normalised", one.normalised())):
            for b in sorted({0.0, beta, critical_bias(activation) or 0.0}):
                words = f"{one!r}.{how}() with weight_std={math.sqrt(1 - b * b):.4g}, bias_std={b:.4g}"
                found.append((words, changed(net, _balanced(activation, b))))
    judged = [(words, judge(other)) for words, other in found if other != net]
    return tuple((words, *verdict_of) for words, verdict_of in judged if verdict_of is not None)


def _then_norm(node: Node) -> tuple[Node, ...]:
    return (node, LayerNorm()) if isinstance(node, Activation) and not isinstance(node, Identity) else (node,)


def _balanced(activation: Activation, beta: float) -> Change:
    def change(node: Node) -> tuple[Node, ...]:
        if isinstance(node, Dense):
            return (Dense(math.sqrt(1 - beta * beta), beta),)
        if isinstance(node, Activation) and unscaled(node) == unscaled(activation):
            return (activation,)
        return (node,)

    return change


def advice(found: Phase, others: tuple[tuple[str, float, str], ...]) -> tuple[str, ...]:
    """The verdict and what to do about it, in sentences."""
    return (_verdict(found), *_own_depth(found), *_variance(found), *_remedies(found, others))


def _verdict(found: Phase) -> str:
    r = f"r = {found.characteristic:.4g}"
    if found.verdict == "order":
        kink = " (half the rate of a smooth activation, for the kink)" if found.kinked else ""
        return (
            f"Order ({r} < 1): deep layers make all inputs alike. The normalised NTK tends to 1 with a depth scale of "
            f"{found.depth_scale:.3g} layers{kink}; the constant function is learned first, differences last."
        )
    if found.verdict == "chaos":
        return (
            f"Chaos ({r} > 1): deep layers make all inputs different. The normalised NTK tends to 0 with a depth scale "
            f"of {found.depth_scale:.3g} layers; the network learns each point fast and says nothing between points."
        )
    if math.isnan(found.normalised_limit):
        return f"Edge ({r}): deep layers hardly change the correlation of two inputs; depth does the least harm here."
    return (
        f"Edge ({r}): inputs become alike only like a power of the depth, and the normalised NTK tends to "
        f"{found.normalised_limit:.3g}; depth does the least harm here."
    )


def _own_depth(found: Phase) -> tuple[str, ...]:
    if found.verdict == "edge":
        return ()
    angle = 90.0 if found.verdict == "order" else 30.0
    value = found.normalised_ntk[found.angles.index(angle)]
    left = abs(found.normalised_limit - value)
    words = "depth has decided the kernel" if left < 0.1 else "depth shows" if left < 0.5 else "depth hardly shows yet"
    return (
        f"At its own depth of {found.depth} layers the normalised NTK of inputs at {angle:g} degrees is {value:.3g}: "
        f"{words}.",
    )


def _variance(found: Phase) -> tuple[str, ...]:
    if found.variance_fate == "stable":
        return ()
    return (
        f"The variance of the layers {found.variance_fate} with depth, and the kernel with it: take a .standardised() "
        "activation with weight_std=1, or LayerNorm.",
    )


def _remedies(found: Phase, others: tuple[tuple[str, float, str], ...]) -> tuple[str, ...]:
    wanted = {"order": ("edge", "chaos"), "chaos": ("edge", "order"), "edge": ()}[found.verdict]
    lines = []
    for verdict in wanted:
        fitting = [(words, r) for words, r, theirs in others if theirs == verdict]
        if fitting:
            words, r = min(fitting, key=lambda one: abs(math.log(one[1])))
            towards = "To the edge" if verdict == "edge" else f"Into {verdict}"
            lines.append(f"{towards}: {words} (r = {r:.4g}).")
    if found.verdict == "order" and not lines:
        lines.append("Less bias_std and more weight_std move towards the edge.")
    if found.verdict == "chaos" and not lines:
        lines.append("More bias_std and less weight_std move towards the edge.")
    return tuple(lines)
