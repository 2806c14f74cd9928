"""Networks of finite width: an architecture read as weights, in the NTK parametrisation.

>>> import jax
>>> from theodolite.architectures import Dense, Relu
>>> f = network(Dense() >> Relu() >> Dense(), width=16)
>>> params = f.init(jax.random.key(0), (3,))
>>> f.apply(params, jax.numpy.ones((5, 3))).shape
(5, 1)
"""

from theodolite.finite_width import (  # noqa: F401  each registers the rules of its family
    activation,
    attention,
    branches,
    convolution,
    deconvolution,
    dense,
    dropout,
    normalisation,
    pooling,
    reshaping,
)
from theodolite.finite_width.linearise import linearise, taylor
from theodolite.finite_width.network import Network, network
from theodolite.finite_width.rules import forward, parameters
from theodolite.finite_width.sizes import Size
from theodolite.finite_width.tangent_kernel import TangentKernel, tangent_kernel
from theodolite.finite_width.tangent_plan import Plan
from theodolite.finite_width.torch_models import from_torch

__all__ = [
    "Network",
    "Plan",
    "Size",
    "TangentKernel",
    "forward",
    "from_torch",
    "linearise",
    "network",
    "parameters",
    "tangent_kernel",
    "taylor",
]
