"""Training dynamics: how predictions move while a kernel machine or a network is trained, and how they depend on its
size."""

from theodolite.finite_width.losses import LOSSES, Loss
from theodolite.numerics.costs import CROSS_ENTROPY, MEAN_SQUARED, Cost
from theodolite.training_dynamics import saddles
from theodolite.training_dynamics.allocation import Allocation, Option, allocate, ensemble_error, options
from theodolite.training_dynamics.attribution import (
    AttributionState,
    LayerAttribution,
    attributed,
    by_layer,
    contributions_of,
)
from theodolite.training_dynamics.cost_flow import CostFlow
from theodolite.training_dynamics.early_stopping import EarlyStopping, early_stopping, equivalent_ridge
from theodolite.training_dynamics.ensembles import Ensemble, hinge_ensemble, hinge_rate, parameters_of, rectified
from theodolite.training_dynamics.fluctuations import Fluctuation, PowerLaw, fit_power_law, fluctuation
from theodolite.training_dynamics.initialisation_law import InitialisationLaw, initialisation_law, law_covariance
from theodolite.training_dynamics.initialisations import orthogonal, orthogonal_layers
from theodolite.training_dynamics.jamming import Around, Divergence, around_jamming, fit_divergence, jamming_width
from theodolite.training_dynamics.kernel_components import KernelComponents, kernel_components
from theodolite.training_dynamics.kernel_flow import kernel_flow, kernel_flow_from_gram
from theodolite.training_dynamics.pace import GradientDescent, GradientFlow, max_learning_rate
from theodolite.training_dynamics.squared_flow import KernelFlow
from theodolite.training_dynamics.training import Trained, train, train_ensemble

__all__ = [
    "CROSS_ENTROPY",
    "LOSSES",
    "MEAN_SQUARED",
    "Allocation",
    "Around",
    "AttributionState",
    "Cost",
    "CostFlow",
    "Divergence",
    "EarlyStopping",
    "Ensemble",
    "Fluctuation",
    "GradientDescent",
    "GradientFlow",
    "InitialisationLaw",
    "KernelComponents",
    "KernelFlow",
    "LayerAttribution",
    "Loss",
    "Option",
    "PowerLaw",
    "Trained",
    "allocate",
    "around_jamming",
    "attributed",
    "by_layer",
    "contributions_of",
    "early_stopping",
    "ensemble_error",
    "equivalent_ridge",
    "fit_divergence",
    "fit_power_law",
    "fluctuation",
    "hinge_ensemble",
    "hinge_rate",
    "initialisation_law",
    "jamming_width",
    "kernel_components",
    "kernel_flow",
    "kernel_flow_from_gram",
    "law_covariance",
    "max_learning_rate",
    "options",
    "orthogonal",
    "orthogonal_layers",
    "parameters_of",
    "rectified",
    "saddles",
    "train",
    "train_ensemble",
]
