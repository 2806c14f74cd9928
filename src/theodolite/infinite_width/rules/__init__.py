"""The covariance reading: one rule a node, from the second moments of one layer to those of the next."""

from theodolite.infinite_width.rules import attention, branches, convolution  # noqa: F401  each registers its rules
from theodolite.infinite_width.rules.common import next_moments
from theodolite.infinite_width.rules.moments import Moments

__all__ = ["Moments", "next_moments"]
