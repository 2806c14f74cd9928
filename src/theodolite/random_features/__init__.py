"""Random features: kernel machines of any size, and the ridge they really have."""

from theodolite.random_features.double_descent import RiskCurve, features_needed, matched_risk_curve, risk_curve
from theodolite.random_features.draws import Draws, draw_predictors
from theodolite.random_features.effective_ridge import (
    effective_ridge,
    effective_ridge_bounds,
    effective_ridge_of,
    effective_ridge_slope,
    features_for_ridge,
    ridge_for,
)
from theodolite.random_features.estimators import RandomFeatureRidge, RandomFeatureRidgeClassifier
from theodolite.random_features.fourier import FourierFeatures
from theodolite.random_features.gaussian import GaussianFeatures
from theodolite.random_features.maps import Family, FeatureMap, family_from_config, revive
from theodolite.random_features.network_features import NetworkFeatures
from theodolite.random_features.nystrom import NystromFeatures, nystrom_map
from theodolite.random_features.opening import open_rows
from theodolite.random_features.primal import PrimalCriteria
from theodolite.random_features.problem import Problem
from theodolite.random_features.relu import ReluFeatures
from theodolite.random_features.statistics import SufficientStatistics
from theodolite.random_features.traceable import traceable_effective_ridge
from theodolite.random_features.two_levels import TwoLevels, two_levels
from theodolite.random_features.variance import PredictedMoments, predicted_moments

__all__ = [
    "Draws",
    "Family",
    "FeatureMap",
    "FourierFeatures",
    "GaussianFeatures",
    "NetworkFeatures",
    "NystromFeatures",
    "PredictedMoments",
    "PrimalCriteria",
    "Problem",
    "RandomFeatureRidge",
    "RandomFeatureRidgeClassifier",
    "ReluFeatures",
    "RiskCurve",
    "SufficientStatistics",
    "TwoLevels",
    "draw_predictors",
    "effective_ridge",
    "effective_ridge_bounds",
    "effective_ridge_of",
    "effective_ridge_slope",
    "family_from_config",
    "features_for_ridge",
    "features_needed",
    "matched_risk_curve",
    "nystrom_map",
    "open_rows",
    "predicted_moments",
    "revive",
    "ridge_for",
    "risk_curve",
    "traceable_effective_ridge",
    "two_levels",
]
