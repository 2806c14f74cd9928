"""Networks of infinite width: their kernels, read off an architecture, and what depth does to them."""

from theodolite.infinite_width.network_kernels import NNGP, NTK, Limit, layerwise, limit, nngp, ntk
from theodolite.infinite_width.order_chaos.depth import DepthTrace, characteristic_value, critical_bias, depth_trace
from theodolite.infinite_width.order_chaos.phase import Phase, phase
from theodolite.infinite_width.sphere import Definiteness, MercerSpectrum, definiteness, mercer

__all__ = [
    "NNGP",
    "NTK",
    "Definiteness",
    "DepthTrace",
    "Limit",
    "MercerSpectrum",
    "Phase",
    "characteristic_value",
    "critical_bias",
    "definiteness",
    "depth_trace",
    "layerwise",
    "limit",
    "mercer",
    "nngp",
    "ntk",
    "phase",
]
