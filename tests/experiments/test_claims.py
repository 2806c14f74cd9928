"""The checks of the cases can fail: a wrong formula, estimate or verdict is noticed."""

from collections.abc import Callable
from typing import Any

import numpy as np
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
    ntk_components,
    ntk_constancy,
    ntk_definiteness,
    ntk_early_stopping,
    ntk_random_features,
    ntk_recursion,
    ntk_regression,
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


def test_a_kernel_that_moves_at_every_width_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ntk_constancy, "_trained", lambda config, width, draws, *_: moved(draws, 0.2 / width**0.1))
    above, _, *grown, ratio = values(ntk_constancy)
    assert above == pytest.approx(-0.1)
    assert min(grown) > 3
    assert ratio == pytest.approx((16 / 64) ** 0.1)
    monkeypatch.setattr(ntk_constancy, "_trained", lambda config, width, draws, *_: moved(draws, -0.2))
    assert max(values(ntk_constancy)[2:-1]) < -3


def moved(draws: int, share: float) -> dict[str, np.ndarray]:
    """Kernels that grow by a share, a little more or less by draw."""
    before = np.ones((draws, 21))
    return {"before": before, "after": before * (1 + share * np.linspace(0.9, 1.1, draws)[:, None])}


def test_a_wrong_law_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel of the initial outputs in place of the tangent kernel, against digits and against networks."""
    monkeypatch.setattr(ntk_regression, "_trained", untrained)
    right = values(ntk_regression)
    monkeypatch.setattr(ntk_regression, "ntk", ntk_regression.nngp)
    wrong = values(ntk_regression)
    assert right[-1] < 1e-6 < 0.01 < wrong[-1]
    assert wrong[3] != right[3]


def untrained(config: Any, width: int, draws: int, test: np.ndarray, points: np.ndarray, key: Key) -> dict[str, Any]:
    noise = key.rng().standard_normal((draws, len(test)))
    return {"outputs": test.prod(1) + 0.1 * noise, "residuals": noise[:, :4]}


def test_stopping_for_no_noise_or_at_the_wrong_scale_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right, clean = values(ntk_early_stopping), values(ntk_early_stopping, noise=1e-6)
    assert right[0] < 0.2 < clean[0]
    assert right[4] < 6 < clean[4]  # nothing to wait for but more of the signal
    assert (right[-1], clean[-1]) == (0.0, 3.0)
    flow = ntk_early_stopping.kernel_flow
    monkeypatch.setattr(
        ntk_early_stopping, "kernel_flow", lambda kernel, X, Y: flow(lambda a, b=None: kernel(a, b) / 30, X, Y)
    )
    assert values(ntk_early_stopping)[4] > 6  # a misplaced 1/N


def test_a_wrong_pace_of_kernel_descent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = ntk_random_features.kernel_flow_from_gram
    monkeypatch.setattr(
        ntk_random_features, "kernel_flow_from_gram", lambda gram, *rest, **named: flow(1.01 * gram, *rest, **named)
    )
    assert values(ntk_random_features)[2] > 1e-6


def test_a_wrong_component_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that move along the third component in place of the second do not move straight."""
    monkeypatch.setattr(ntk_components, "_trained", at_pace)
    right = values(ntk_components)
    assert right[2] < 1e-6
    split = ntk_components.split
    monkeypatch.setattr(ntk_components, "split", lambda moved, goal, _: split(moved, goal, np.ones(len(goal))))
    assert values(ntk_components)[2] > 0.1


def at_pace(config: Any, width: int, draws: int, inputs: np.ndarray, goal: np.ndarray, key: Key) -> dict[str, Any]:
    """Networks of infinite width but for a little noise."""
    steps = np.arange(0, config.steps + 1, config.every)
    kernel = ntk_components.ntk(ntk_components.plain(ntk_components.Relu(), config.depth, config.beta))
    flow = ntk_components.kernel_flow(kernel, inputs, goal).in_steps(config.learning_rate)
    noise = 1e-9 * key.rng().standard_normal((draws, len(steps), len(goal)))
    return {"moved": flow.on_training(steps) + noise, "steps": steps}


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
