"""Training dynamics: how predictions move while a kernel machine, or a network of infinite width, is trained."""

from theodolite.training_dynamics.cost_flow import CostFlow
from theodolite.training_dynamics.costs import CROSS_ENTROPY, MEAN_SQUARED, Cost
from theodolite.training_dynamics.early_stopping import EarlyStopping, early_stopping, equivalent_ridge
from theodolite.training_dynamics.initialisation_law import InitialisationLaw, initialisation_law, law_covariance
from theodolite.training_dynamics.kernel_components import KernelComponents, kernel_components
from theodolite.training_dynamics.kernel_flow import kernel_flow, kernel_flow_from_gram
from theodolite.training_dynamics.losses import LOSSES, Loss
from theodolite.training_dynamics.pace import GradientDescent, GradientFlow, max_learning_rate
from theodolite.training_dynamics.squared_flow import KernelFlow
from theodolite.training_dynamics.training import Trained, train, train_ensemble

__all__ = [
    "CROSS_ENTROPY",
    "LOSSES",
    "MEAN_SQUARED",
    "Cost",
    "CostFlow",
    "EarlyStopping",
    "GradientDescent",
    "GradientFlow",
    "InitialisationLaw",
    "KernelComponents",
    "KernelFlow",
    "Loss",
    "Trained",
    "early_stopping",
    "equivalent_ridge",
    "initialisation_law",
    "kernel_components",
    "kernel_flow",
    "kernel_flow_from_gram",
    "law_covariance",
    "max_learning_rate",
    "train",
    "train_ensemble",
]
