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
    ntk_definiteness,
    ntk_recursion,
    order_chaos_batch_norm,
    order_chaos_depth,
    order_chaos_layer_norm,
    order_chaos_training,
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


def test_a_wrong_recursion_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = ntk_recursion.ntk
    monkeypatch.setattr(ntk_recursion, "ntk", lambda net: scaled(kernel(net), 2.0))
    found = values(ntk_recursion)
    assert found[-1] > 0.1
    assert found[3] > 0.3  # the mean of networks drawn at random
    assert found[4] > 10  # two layers


def test_a_missing_bias_changes_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    net = ntk_definiteness.plain
    monkeypatch.setattr(ntk_definiteness, "plain", lambda activation, depth, beta: net(activation, depth, 0.0))
    found = values(ntk_definiteness)
    assert [found[row] > 0 for row in (1, 5, 8)] == [True] * 3
    assert found[-2] == 3.0  # ReLU of two layers and erf of two and three are not definite


def test_a_wrong_characteristic_value_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = values(order_chaos_depth)
    value = order_chaos_depth.characteristic_value
    monkeypatch.setattr(order_chaos_depth, "characteristic_value", scaled(value, 1.1))
    assert min(values(order_chaos_depth)[:4]) > 2 * max(right[:4])


def test_regimes_that_are_swapped_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = values(order_chaos_training, depths=(2, 20))
    swapped = dict(zip(order_chaos_training.REGIMES, [*order_chaos_training.REGIMES.values()][::-1], strict=True))
    monkeypatch.setattr(order_chaos_training, "REGIMES", swapped)
    found = values(order_chaos_training, depths=(2, 20), betas=(0.1, 0.0, 0.5))
    assert found[0] < 1 < 10 < right[0]
    assert found[2] < 0.1 < 0.5 < right[2]


def test_without_normalisation_its_claims_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    right = values(order_chaos_layer_norm)
    monkeypatch.setattr(order_chaos_layer_norm, "with_layer_norm", lambda net: net)
    _, near, far, _ = values(order_chaos_layer_norm)
    assert near > 0.8 > 0.4 > right[1]
    assert far < 1 < right[2]
    monkeypatch.setattr(order_chaos_batch_norm, "before_last", lambda net: net)
    assert min(values(order_chaos_batch_norm)[:2]) > 0.1
