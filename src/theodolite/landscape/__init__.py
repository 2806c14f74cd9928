"""Geometry of the loss landscape: neurons that are copies, subspaces they span, paths between minima.

>>> count_saddles(3, 4), count_minima(3, 4), intersection_graph(3, 4).components
(36, 60, 1)
"""

from theodolite.landscape.checkpoints import (
    Layout,
    default_layout,
    from_params,
    read_checkpoint,
    read_mlp,
    write_checkpoint,
)
from theodolite.landscape.counts import (
    count_minima,
    count_minima_odd,
    count_saddles,
    first_width_of_more_minima,
    mild_ratio,
    saddle_ratio,
)
from theodolite.landscape.mlp import Mlp, mlp
from theodolite.landscape.nonlinearity import NONLINEARITIES, Nonlinearity, nonlinearity
from theodolite.landscape.pieces import IntersectionGraph, enumerate_odd_pieces, enumerate_pieces, intersection_graph
from theodolite.landscape.widen import random_expansion, split_neuron, widen, widen_silently

__all__ = [
    "NONLINEARITIES",
    "IntersectionGraph",
    "Layout",
    "Mlp",
    "Nonlinearity",
    "count_minima",
    "count_minima_odd",
    "count_saddles",
    "default_layout",
    "enumerate_odd_pieces",
    "enumerate_pieces",
    "first_width_of_more_minima",
    "from_params",
    "intersection_graph",
    "mild_ratio",
    "mlp",
    "nonlinearity",
    "random_expansion",
    "read_checkpoint",
    "read_mlp",
    "saddle_ratio",
    "split_neuron",
    "widen",
    "widen_silently",
    "write_checkpoint",
]
