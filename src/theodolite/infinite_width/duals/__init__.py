"""Dual activations: E[sigma(u) sigma(v)] and E[sigma'(u) sigma'(v)] over Gaussian pairs, for any activation."""

from theodolite.infinite_width.duals.base import Dual
from theodolite.infinite_width.duals.dual import dual

__all__ = ["Dual", "dual"]
