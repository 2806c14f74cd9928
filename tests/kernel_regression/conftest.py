"""Problems, the three routes to every criterion, and a fourth by inverting a matrix."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from theodolite import kernel_regression
from theodolite.kernel_regression import RidgePath, RidgeSearch


@dataclass(frozen=True)
class Route:
    """One way to a criterion: `route("kare", gram, targets, ridge)`, `route("leave_one_group_out", ..., groups)`."""

    name: str
    evaluate: Callable[..., float]

    def __call__(self, criterion: str, gram: Any, targets: Any, ridge: float, groups: Any = None) -> float:
        return self.evaluate(criterion, gram, targets, ridge, groups)

    def __repr__(self) -> str:
        return self.name


def by_function(criterion: str, gram: Any, targets: Any, ridge: float, groups: Any) -> float:
    if criterion == "signal_capture_threshold":
        return kernel_regression.signal_capture_threshold(gram, ridge)
    function = getattr(kernel_regression, criterion)
    return function(gram, targets, ridge) if groups is None else function(gram, targets, ridge, groups)


def by_class(route: type) -> Callable[..., float]:
    def evaluate(criterion: str, gram: Any, targets: Any, ridge: float, groups: Any) -> float:
        return getattr(route(gram, targets, groups=groups), criterion)(ridge)

    return evaluate


ROUTES = [Route("function", by_function), Route("path", by_class(RidgePath)), Route("search", by_class(RidgeSearch))]


@pytest.fixture(scope="session", params=ROUTES, ids=repr)
def route(request: pytest.FixtureRequest) -> Route:
    """The free functions, a RidgePath, a RidgeSearch."""
    return request.param


@pytest.fixture(scope="session", params=[RidgePath, RidgeSearch], ids=["path", "search"])
def criteria(request: pytest.FixtureRequest) -> type[RidgePath] | type[RidgeSearch]:
    """The two classes that know every criterion."""
    return request.param
