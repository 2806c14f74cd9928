"""Networks of infinite width: their kernels, read off an architecture, and what depth does to them."""

from theodolite.infinite_width.network_kernels import NNGP, NTK, Limit, layerwise, limit, nngp, ntk

__all__ = ["NNGP", "NTK", "Limit", "layerwise", "limit", "nngp", "ntk"]
