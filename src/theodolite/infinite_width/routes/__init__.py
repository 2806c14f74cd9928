"""Ways to compute the kernels of a network: the plain rules, and the fast routes that are tested against them."""

from theodolite.infinite_width.routes.choice import on_pairs, on_points

__all__ = ["on_pairs", "on_points"]
