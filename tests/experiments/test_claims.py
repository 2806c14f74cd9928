"""The checks of the cases can fail: a wrong formula, estimate or verdict is noticed."""

from collections.abc import Callable
from typing import Any

import pytest

from theodolite.experiments import Bench, Key
from theodolite.experiments.cases import (
    kare_expected_risk,
    kare_failure_gallery,
    kare_kernel_choice,
    kare_measured_risk,
    kare_predictor_moments,
    kare_signal_capture_threshold,
    kare_universality,
)
from theodolite.kernel_regression import resolvent
from theodolite.kernel_regression.trust import Trust


def values(module: Any, **settings: Any) -> list[float]:
    """The values of the checks of a smoke run."""
    import dataclasses

    config = dataclasses.replace(module.CASE.smoke, **settings)
    return [check.value for check in module.CASE.checks(config, module.CASE.run(config, Key(0), Bench()))]


def scaled(function: Callable[..., Any], factor: float) -> Callable[..., Any]:
    return lambda *arguments, **options: factor * function(*arguments, **options)


def test_a_wrong_expected_risk_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = values(kare_expected_risk)
    monkeypatch.setattr(kare_expected_risk, "expected_risk", scaled(kare_expected_risk.expected_risk, 0.5))
    risk, training, kare = values(kare_expected_risk)
    assert max(right[:2]) < 0.2
    assert min(risk, training) > 0.8
    assert kare == right[2]  # the estimate knows nothing of the formula


def test_a_wrong_kare_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvent, "kare", scaled(resolvent.kare, 2.0))
    assert values(kare_expected_risk)[2] > 0.7
    assert values(kare_universality)[2] > 0.4
    median = values(kare_measured_risk)[2]
    assert median > 0.5


def test_a_wrong_threshold_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = kare_signal_capture_threshold.exact_signal_capture_threshold
    for module in (kare_signal_capture_threshold, kare_universality, kare_predictor_moments):
        monkeypatch.setattr(module, "exact_signal_capture_threshold", scaled(exact, 1.5))
    gap, _, _, closed = values(kare_signal_capture_threshold)
    assert gap > 0.3
    assert closed > 0.4
    assert values(kare_universality)[0] > 0.25
    assert values(kare_predictor_moments)[0] > 0.1


def test_choosing_by_the_wrong_sign_of_kare_costs_dearly(monkeypatch: pytest.MonkeyPatch) -> None:
    right = values(kare_kernel_choice)
    monkeypatch.setattr(resolvent, "kare", scaled(resolvent.kare, -1.0))
    assert values(kare_kernel_choice)[0] > 10 * max(right[0], 0.05)


@pytest.mark.parametrize("alarmed", [False, True])
def test_diagnostics_that_never_change_fail_on_one_side(monkeypatch: pytest.MonkeyPatch, alarmed: bool) -> None:
    judged = Trust("do not trust", ("a reason",)) if alarmed else Trust("trusted", ())
    monkeypatch.setattr(kare_failure_gallery, "trust", lambda *_: judged)
    found = values(kare_failure_gallery)
    warnings, alarms, trusted = found[:4], found[4:6], found[6]
    assert set(warnings) == set(alarms) == {float(alarmed)}
    assert trusted == float(not alarmed)
