"""Networks of infinite width as kernels: covariance at initialisation (NNGP) and tangent kernel (NTK)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from theodolite.architectures import Node, layers_with_weights
from theodolite.architectures import from_config as node_from_config
from theodolite.infinite_width import routes
from theodolite.kernels import Kernel, Pairs
from theodolite.kernels.pairs import as_data
from theodolite.numerics.checks import zero_or_positive
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit


class NetworkKernel(Kernel):
    """A kernel read off an architecture."""

    net: Node

    def __post_init__(self) -> None:
        if not isinstance(self.net, Node):
            raise BadInput(f"expected an architecture such as Dense() >> Relu() >> Dense(), got {self.net!r}")
        if not layers_with_weights(self.net):
            raise NoInfiniteWidthLimit(f"{self.net!r} has no weights; expected at least one Dense or Conv layer")

    @classmethod
    def revive(cls, entries: dict[str, Any]) -> "NetworkKernel":
        return cls(**{**entries, "net": node_from_config(entries.get("net", {}))})

    def config(self) -> dict[str, Any]:
        return {**super().config(), "net": self.net.config()}


@dataclass(frozen=True, repr=False)
class NNGP(NetworkKernel):
    """E[f(x) f(z)] over initialisations of an infinitely wide network f; `nngp(net)` makes it."""

    net: Node

    def on(self, pairs: Pairs) -> Any:
        return routes.on_pairs(self.net, pairs, None, ntk=False)[0]

    def diagonal(self, X: Any) -> Any:
        return routes.on_points(self.net, as_data(X), None, ntk=False)[0]

    def __repr__(self) -> str:
        return f"nngp({self.net!r})"


@dataclass(frozen=True, repr=False)
class NTK(NetworkKernel):
    """The limit of <d f(x) / d theta, d f(z) / d theta> of an infinitely wide network f; `ntk(net)` makes it.

    `rates` multiplies the term of each layer of weights, in the order of `architectures.layers_with_weights`.
    """

    net: Node
    rates: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rates is not None:
            rates = tuple(zero_or_positive(rate, "a learning rate") for rate in self.rates)
            layers = len(layers_with_weights(self.net))
            if len(rates) != layers or not any(rates):
                raise BadInput(
                    f"{len(rates)} learning rates {rates}; expected {layers}, not all zero: one a layer of weights"
                )
            object.__setattr__(self, "rates", rates)

    def on(self, pairs: Pairs) -> Any:
        return routes.on_pairs(self.net, pairs, self.rates, nngp=False)[1]

    def diagonal(self, X: Any) -> Any:
        return routes.on_points(self.net, as_data(X), self.rates, ntk=True)[1]

    def __repr__(self) -> str:
        return f"ntk({self.net!r}{'' if self.rates is None else f', rates={self.rates}'})"


class Moments(NamedTuple):
    """Both kernels of one reading, each (n, m)."""

    nngp: Any
    ntk: Any


@dataclass(frozen=True)
class Limit:
    """Both kernels of a network in one pass; `limit(net)` makes it.

    >>> from theodolite.architectures import Dense, Relu
    >>> both = limit(Dense() >> Relu() >> Dense())([[1.0, 0.0]], [[0.0, 1.0]])
    >>> both.nngp.round(4), both.ntk.round(4)
    (array([[0.0796]]), array([[0.0796]]))
    """

    net: Node
    rates: tuple[float, ...] | None = None

    def __call__(self, X: Any, Z: Any = None) -> Moments:
        return Moments(*routes.on_pairs(self.net, Pairs(X, Z), self.rates))


def nngp(net: Node) -> NNGP:
    """The covariance at initialisation of a network of infinite width, as a kernel.

    Sigma_(l+1) = weight_std^2 E[sigma(u) sigma(v)] + bias_std^2, (u, v) Gaussian of covariance Sigma_l.

    Args: net, an architecture with at least one layer of weights.
    Returns: a Kernel on vectors (n, d), sequences (n, length, channels) or images (n, height, width, channels), as the
        architecture asks. Raises: NoInfiniteWidthLimit, also when called, naming the node that has no limit.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, proposition 1.
    Cost: one pass over the layers an entry; with positions, times their number, squared when they are pooled.

    >>> from theodolite.architectures import Dense, Relu
    >>> nngp(Dense() >> Relu() >> Dense())([[1.0, 1.0]], [[1.0, 1.0]])
    array([[0.5]])
    """
    return NNGP(net)


def ntk(net: Node, *, rates: Sequence[float] | None = None) -> NTK:
    """The neural tangent kernel of a network of infinite width.

    Theta_(l+1) = rate_(l+1) Sigma_(l+1) + weight_std^2 E[sigma'(u) sigma'(v)] Theta_l.

    Args: net, an architecture with at least one layer of weights; rates, relative learning rates, one for each layer of
        weights in order (`architectures.layers_with_weights`), by default all 1.
    Returns: a Kernel, as `nngp`. Raises: NoInfiniteWidthLimit, for instance for activations with jumps; BadInput.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, theorem 1.
    Cost: as `nngp`.

    >>> from theodolite.architectures import Dense, Relu
    >>> ntk(Dense() >> Relu() >> Dense())([[1.0, 1.0]], [[1.0, 1.0]])
    array([[1.]])
    """
    return NTK(net, None if rates is None else tuple(rates))


def limit(net: Node, *, rates: Sequence[float] | None = None) -> Limit:
    """Both kernels in one pass: `limit(net)(X, Z)` has the fields `nngp` and `ntk`. Args and raises as `ntk`.

    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, theorem 1.

    >>> from theodolite.architectures import Dense, Relu
    >>> both = limit(Dense() >> Relu() >> Dense())([[1.0, 1.0]], [[1.0, 1.0]])
    >>> both.nngp.round(6).tolist(), both.ntk.round(6).tolist()
    ([[0.5]], [[1.0]])
    """
    kernel = ntk(net, rates=rates)
    return Limit(kernel.net, kernel.rates)


def layerwise(net: Node) -> tuple[NTK, ...]:
    """The contribution of each layer of weights to the tangent kernel: kernels that add up to `ntk(net)`.

    Theta = sum over layers k of Sigma_k times the product of the slopes above. The last one is the NNGP when the
    network ends in a Dense layer.

    Source: Dandi and Jacot (2021), arXiv:2111.03972, the contributions of layers.

    >>> from theodolite.architectures import Dense, Relu
    >>> [kernel([[1.0, 1.0]], [[1.0, 1.0]]).item() for kernel in layerwise(Dense() >> Relu() >> Dense())]
    [0.5, 0.5]
    """
    count = len(layers_with_weights(net))
    return tuple(NTK(net, tuple(float(k == layer) for k in range(count))) for layer in range(count))
