"""Experiments as declarations: one case is one claim of one paper, measured and stored; nothing here draws."""

from theodolite.experiments.panels import Axis, Column, Field, Panel, Series

__all__ = ["Axis", "Column", "Field", "Panel", "Series"]
