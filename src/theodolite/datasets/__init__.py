"""The materials: tables read from files, data sets by name, and generators whose spectrum is known exactly."""

from theodolite.datasets.gaussian_spectrum import (
    RbfGaussianSpectrum,
    rbf_gaussian_eigenfunctions,
    rbf_gaussian_mode,
    rbf_gaussian_spectrum,
)
from theodolite.datasets.listing import NamedDataset, names
from theodolite.datasets.loading import Dataset, load
from theodolite.datasets.reading import read_table
from theodolite.datasets.synthetic import (
    CALIFORNIA_COLUMNS,
    Observations,
    Spectrum,
    california_like,
    friedman1,
    friedman1_surface,
    gaussian_observations,
    power_law,
)

__all__ = [
    "CALIFORNIA_COLUMNS",
    "Dataset",
    "NamedDataset",
    "Observations",
    "RbfGaussianSpectrum",
    "Spectrum",
    "california_like",
    "friedman1",
    "friedman1_surface",
    "gaussian_observations",
    "load",
    "names",
    "power_law",
    "rbf_gaussian_eigenfunctions",
    "rbf_gaussian_mode",
    "rbf_gaussian_spectrum",
    "read_table",
]
