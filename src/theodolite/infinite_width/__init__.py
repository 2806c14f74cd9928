"""Networks of infinite width: their kernels, read off an architecture, and what depth does to them."""

from theodolite.infinite_width.frequencies.gram_layer_share import GramLayerShare, gram_layer_share
from theodolite.infinite_width.frequencies.layer_spectra import LayerSpectra, layer_spectra
from theodolite.infinite_width.frequencies.target_spectrum import TargetSpectrum, target_spectrum
from theodolite.infinite_width.frequencies.which_layers import KernelRegimeIsOff, LayerAdvice, which_layers
from theodolite.infinite_width.generators.checkerboards import Checkerboards, checkerboards
from theodolite.infinite_width.generators.periods import torus_eigenvalues, valuation_kernels
from theodolite.infinite_width.generators.position_kernels import PositionKernels, position_kernels, stride_rates
from theodolite.infinite_width.network_kernels import NNGP, NTK, Limit, layerwise, limit, nngp, ntk
from theodolite.infinite_width.order_chaos.depth import DepthTrace, characteristic_value, critical_bias, depth_trace
from theodolite.infinite_width.order_chaos.phase import phase
from theodolite.infinite_width.order_chaos.phase_record import Phase
from theodolite.infinite_width.sphere import Definiteness, MercerSpectrum, definiteness, mercer

__all__ = [
    "NNGP",
    "NTK",
    "Checkerboards",
    "Definiteness",
    "DepthTrace",
    "GramLayerShare",
    "KernelRegimeIsOff",
    "LayerAdvice",
    "LayerSpectra",
    "Limit",
    "MercerSpectrum",
    "Phase",
    "PositionKernels",
    "TargetSpectrum",
    "characteristic_value",
    "checkerboards",
    "critical_bias",
    "definiteness",
    "depth_trace",
    "gram_layer_share",
    "layer_spectra",
    "layerwise",
    "limit",
    "mercer",
    "nngp",
    "ntk",
    "phase",
    "position_kernels",
    "stride_rates",
    "target_spectrum",
    "torus_eigenvalues",
    "valuation_kernels",
    "which_layers",
]
