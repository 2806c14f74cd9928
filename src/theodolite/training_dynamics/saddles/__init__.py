"""Saddle to saddle: plateaus and ranks of deep linear networks and factorised layers, and when the next jump is due."""

from theodolite.training_dynamics.saddles.critical import NotSimple, all_critical_values, critical_values
from theodolite.training_dynamics.saddles.distances import NearestMinimum, nearest_minimum, nearest_saddle
from theodolite.training_dynamics.saddles.escape import EscapeDirection, escape_direction, escape_time
from theodolite.training_dynamics.saddles.first_path import first_path, path_gap
from theodolite.training_dynamics.saddles.flow import LinearFlow, linear_flow
from theodolite.training_dynamics.saddles.gradients import (
    HessianSpectrum,
    gradient_norm,
    hessian_product,
    hessian_spectrum,
    layer_gradients,
)
from theodolite.training_dynamics.saddles.greedy import GreedyPath, greedy_low_rank, greedy_path
from theodolite.training_dynamics.saddles.layers import (
    as_layers,
    balanced_layers,
    imbalance,
    padded,
    product,
    random_layers,
)
from theodolite.training_dynamics.saddles.low_rank_completion import LowRankCompletion
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost, completion, convex_cost, full_mse, general_mse
from theodolite.training_dynamics.saddles.oracles import balanced_two_layers, scalar_mode, scalar_mode_rate
from theodolite.training_dynamics.saddles.plateaus import Plateau, plateaus
from theodolite.training_dynamics.saddles.rank_monitor import RankMonitor, RankReading
from theodolite.training_dynamics.saddles.regime import (
    InitialisationAdvice,
    InitialisationOption,
    Regime,
    initialisation_advice,
    regime,
)

__all__ = [
    "EscapeDirection",
    "GreedyPath",
    "HessianSpectrum",
    "InitialisationAdvice",
    "InitialisationOption",
    "LinearFlow",
    "LowRankCompletion",
    "MatrixCost",
    "NearestMinimum",
    "NotSimple",
    "Plateau",
    "RankMonitor",
    "RankReading",
    "Regime",
    "all_critical_values",
    "as_layers",
    "balanced_layers",
    "balanced_two_layers",
    "completion",
    "convex_cost",
    "critical_values",
    "escape_direction",
    "escape_time",
    "first_path",
    "full_mse",
    "general_mse",
    "gradient_norm",
    "greedy_low_rank",
    "greedy_path",
    "hessian_product",
    "hessian_spectrum",
    "imbalance",
    "initialisation_advice",
    "layer_gradients",
    "linear_flow",
    "nearest_minimum",
    "nearest_saddle",
    "padded",
    "path_gap",
    "plateaus",
    "product",
    "random_layers",
    "regime",
    "scalar_mode",
    "scalar_mode_rate",
]
