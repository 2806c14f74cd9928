"""Fully connected networks read as layers: the activation before each Dense, and that Dense."""

from typing import NamedTuple

from theodolite.architectures import Activation, Dense, Identity, Node, nodes_of
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit


class Layer(NamedTuple):
    """An affine map, and the activation that acts before it; the identity where none does."""

    activation: Activation
    dense: Dense


def smooth_layers(net: Node) -> list[Layer]:
    """The layers of `Dense() >> Act() >> Dense() ...`; activations with a second derivative only.

    Args: net, a sentence of Dense layers and activations that begins and ends with a Dense.
    Returns: one Layer for each Dense; the activation of the first is the identity.
    Raises: NoInfiniteWidthLimit for activations that bend or jump; BadInput for any other sentence.

    >>> from theodolite.architectures import Relu, Tanh
    >>> smooth_layers(Dense() >> Tanh() >> Dense(bias_std=0.1))[1]
    Layer(activation=Tanh(), dense=Dense(bias_std=0.1))
    >>> smooth_layers(Dense() >> Relu() >> Dense())
    Traceback (most recent call last):
    theodolite.numerics.errors.NoInfiniteWidthLimit: Relu() bends at 0, so its second derivative is no function and \
the second moment of the residual S diverges with the width (automatic differentiation would silently report another \
S); use Softplus(), or Affine(Softplus(), ...) of a sharper one; the NTK and the Gauss-Newton part exist all the same: \
infinite_width.ntk(net)
    """
    found: list[Layer] = []
    before: Activation | None = None
    for place, node in enumerate(nodes_of(net)):
        if isinstance(node, Dense):
            found.append(Layer(before or Identity(), node))
            before = None
        elif isinstance(node, Activation) and found and before is None:
            before = _smooth(node)
        else:
            raise BadInput(
                f"{node!r} stands at place {place} of {net!r}; the curvature of S is known for fully connected "
                "networks, Dense() >> Tanh() >> Dense() ..., with one activation between two Dense layers"
            )
    if not found or before is not None:
        raise BadInput(f"{net!r} should end with a Dense layer, so that its outputs are Gaussian at infinite width")
    return found


def _smooth(activation: Activation) -> Activation:
    if activation.bends:
        where = ", ".join(f"{place:g}" for place in activation.bends)
        raise NoInfiniteWidthLimit(
            f"{activation!r} {'jumps' if activation.jumps else 'bends'} at {where}, so its second derivative is no "
            "function and the second moment of the residual S diverges with the width (automatic differentiation "
            "would silently report another S); use Softplus(), or Affine(Softplus(), ...) of a sharper one; the NTK "
            "and the Gauss-Newton part exist all the same: infinite_width.ntk(net)"
        )
    return activation
