"""Geometry of the loss landscape: neurons that are copies, subspaces they span, paths between minima."""
