"""Which random features a kernel has of its own: cosines for stationary kernels, finite widths for networks."""

from theodolite.kernels import Kernel
from theodolite.numerics.errors import BadInput
from theodolite.random_features.fourier import FourierFeatures
from theodolite.random_features.maps import Family
from theodolite.random_features.network_features import NetworkFeatures

SERVED = (
    "RBF, Laplace, LaplaceL1, Matern, RationalQuadratic, their sums, products and multiples (Fourier features), and "
    "the NNGP and NTK of a network (features of finite width)"
)


def features_of(kernel: Kernel) -> Family:
    """The family of random features whose mean is the kernel, drawn without looking at data.

    Args: kernel. Returns: `FourierFeatures` or `NetworkFeatures` of it.
    Raises: BadInput for any other kernel, naming those that have features; Nystrom features serve every kernel.

    >>> from theodolite.kernels import RBF
    >>> features_of(RBF(2.0))
    FourierFeatures(kernel=RBF(lengthscale=2.0), paired=True, orthogonal=False)
    """
    from theodolite.infinite_width import NNGP, NTK

    if isinstance(kernel, NNGP | NTK):
        return NetworkFeatures(kernel)  # whose own words tell a network that has none
    try:
        return FourierFeatures(kernel)
    except BadInput:
        raise BadInput(f"{kernel!r} has no random features of its own; {SERVED} have") from None
