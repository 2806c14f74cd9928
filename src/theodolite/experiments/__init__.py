"""Experiments as declarations: one case is one claim of one paper, measured and stored; nothing here draws.

>>> from theodolite.experiments import run_case, select
>>> select(["kare"])[0].paper
'kare'
"""

from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.catalogue import all_cases, select
from theodolite.experiments.check import Check, combined_verdict
from theodolite.experiments.config import Config, content_hash
from theodolite.experiments.key import Key
from theodolite.experiments.many import run_many
from theodolite.experiments.outlook import Outlook, outlook
from theodolite.experiments.panels import Axis, Column, Field, Panel, Series
from theodolite.experiments.result import Result
from theodolite.experiments.runner import run_case
from theodolite.experiments.store import DEFAULT_FOLDER, Damaged, Store

__all__ = [
    "DEFAULT_FOLDER",
    "Axis",
    "Bench",
    "Case",
    "Check",
    "Column",
    "Config",
    "Damaged",
    "Field",
    "Key",
    "Measurement",
    "Outlook",
    "Panel",
    "Result",
    "Series",
    "Store",
    "all_cases",
    "combined_verdict",
    "content_hash",
    "outlook",
    "run_case",
    "run_many",
    "select",
]
