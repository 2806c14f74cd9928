"""Random features: kernel machines of any size, and the ridge they really have."""

from theodolite.random_features.fourier import FourierFeatures
from theodolite.random_features.gaussian import GaussianFeatures
from theodolite.random_features.maps import Family, FeatureMap, family_from_config, revive
from theodolite.random_features.nystrom import NystromFeatures, nystrom_map
from theodolite.random_features.relu import ReluFeatures

__all__ = [
    "Family",
    "FeatureMap",
    "FourierFeatures",
    "GaussianFeatures",
    "NystromFeatures",
    "ReluFeatures",
    "family_from_config",
    "nystrom_map",
    "revive",
]
