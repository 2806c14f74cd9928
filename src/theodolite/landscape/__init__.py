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
from theodolite.landscape.collapse import Collapse, collapsed
from theodolite.landscape.connect import Connection, between, connect
from theodolite.landscape.counts import (
    count_minima,
    count_minima_odd,
    count_saddles,
    first_width_of_more_minima,
    mild_ratio,
    saddle_ratio,
)
from theodolite.landscape.expansions import ExpansionPath, expansion_path
from theodolite.landscape.inertia import (
    Inertia,
    duplicated,
    duplication_block,
    duplication_curvature,
    duplication_inertia,
    inertia,
    nullity,
)
from theodolite.landscape.jacobian import outputs_and_jacobian
from theodolite.landscape.matching import Match, aligned, match
from theodolite.landscape.mlp import Mlp, mlp
from theodolite.landscape.nonlinearity import NONLINEARITIES, Nonlinearity, nonlinearity
from theodolite.landscape.path import Move, SymmetryPath, path_segments, symmetry_path, with_spares
from theodolite.landscape.pieces import IntersectionGraph, enumerate_odd_pieces, enumerate_pieces, intersection_graph
from theodolite.landscape.reduce import LayerReduction, Reduction, reduce
from theodolite.landscape.rescaling import normalised
from theodolite.landscape.squared_cost import SquaredCost, squared_cost
from theodolite.landscape.students import (
    Student,
    classify,
    glorot_start,
    gradient_flow,
    polish,
    train_student,
    train_students,
)
from theodolite.landscape.widen import random_expansion, split_neuron, widen, widen_silently

__all__ = [
    "NONLINEARITIES",
    "Collapse",
    "Connection",
    "ExpansionPath",
    "Inertia",
    "IntersectionGraph",
    "LayerReduction",
    "Layout",
    "Match",
    "Mlp",
    "Move",
    "Nonlinearity",
    "Reduction",
    "SquaredCost",
    "Student",
    "SymmetryPath",
    "aligned",
    "between",
    "classify",
    "collapsed",
    "connect",
    "count_minima",
    "count_minima_odd",
    "count_saddles",
    "default_layout",
    "duplicated",
    "duplication_block",
    "duplication_curvature",
    "duplication_inertia",
    "enumerate_odd_pieces",
    "enumerate_pieces",
    "expansion_path",
    "first_width_of_more_minima",
    "from_params",
    "glorot_start",
    "gradient_flow",
    "inertia",
    "intersection_graph",
    "match",
    "mild_ratio",
    "mlp",
    "nonlinearity",
    "normalised",
    "nullity",
    "outputs_and_jacobian",
    "path_segments",
    "polish",
    "random_expansion",
    "read_checkpoint",
    "read_mlp",
    "reduce",
    "saddle_ratio",
    "split_neuron",
    "squared_cost",
    "symmetry_path",
    "train_student",
    "train_students",
    "widen",
    "widen_silently",
    "with_spares",
    "write_checkpoint",
]
