"""The only room that draws and writes pages: numbers and words in, HTML, figures and terminal tables out.

Sub-modules load when first touched, so that importing this package starts neither matplotlib nor jinja2.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from theodolite.reporting.arrow import arrow_page, write_arrow_page
    from theodolite.reporting.atlas import atlas_pages, write_atlas
    from theodolite.reporting.curvature import curvature_page, write_curvature_page
    from theodolite.reporting.survey import survey_page, write_survey_page
    from theodolite.reporting.terminal import results_table, survey_table

_HOMES = {
    "arrow_page": "arrow",
    "atlas_pages": "atlas",
    "curvature_page": "curvature",
    "results_table": "terminal",
    "survey_page": "survey",
    "survey_table": "terminal",
    "write_arrow_page": "arrow",
    "write_atlas": "atlas",
    "write_curvature_page": "curvature",
    "write_survey_page": "survey",
}

__all__ = [
    "arrow_page",
    "atlas_pages",
    "curvature_page",
    "results_table",
    "survey_page",
    "survey_table",
    "write_arrow_page",
    "write_atlas",
    "write_curvature_page",
    "write_survey_page",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        found = getattr(importlib.import_module(f"theodolite.reporting.{_HOMES[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'theodolite.reporting' has no attribute {name!r}; it has {', '.join(__all__)}")
