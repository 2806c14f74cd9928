"""What cannot be trained is refused at the door, in words that say what to try."""

import numpy as np
import pytest

from theodolite.kernels import RBF
from theodolite.numerics import BadInput, NotFinite, NotPositiveDefinite, ShapeMismatch, TooLarge
from theodolite.training_dynamics import (
    early_stopping,
    equivalent_ridge,
    initialisation_law,
    kernel_components,
    kernel_flow,
    kernel_flow_from_gram,
    law_covariance,
    max_learning_rate,
)

X, Y = np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0, 0.0])
GRAM = RBF(4.0)(X)
FLOW = kernel_flow(RBF(4.0), X, Y)
FROM_GRAM = kernel_flow_from_gram(GRAM, Y)
LOGISTIC = kernel_flow(RBF(4.0), X, [1.0, 0.0, 1.0], "cross_entropy")

REFUSALS = {
    "too few targets": (lambda: kernel_flow(RBF(1.0), X, Y[:2]), ShapeMismatch, r"targets have shape \(2,\)"),
    "a hole in the targets": (lambda: kernel_flow(RBF(1.0), X, [1.0, np.nan, 0.0]), NotFinite, "targets holds nan"),
    "a hole in the points": (lambda: kernel_flow(RBF(1.0), X * np.nan, Y), NotFinite, "X holds nan"),
    "not a kernel": (lambda: kernel_flow("rbf", X, Y), BadInput, "expected a kernel or a function"),
    "an unknown loss": (lambda: kernel_flow(RBF(1.0), X, Y, "hinge"), BadInput, "'mse', 'cross_entropy' or a Cost"),
    "no probabilities": (lambda: kernel_flow(RBF(1.0), X, Y, "cross_entropy"), BadInput, "expected probabilities"),
    "rows that do not add up": (
        lambda: kernel_flow(RBF(1.0), X, np.ones((3, 2)), "cross_entropy"),
        BadInput,
        "rows that sum to 1",
    ),
    "a rectangle": (lambda: kernel_flow_from_gram(GRAM[:2], Y), ShapeMismatch, "gram has shape"),
    "not symmetric": (lambda: kernel_flow_from_gram(np.triu(GRAM), Y), ShapeMismatch, "not symmetric"),
    "not positive": (lambda: kernel_flow_from_gram(-GRAM, Y), NotPositiveDefinite, "none below zero"),
    "not positive, integrated": (
        lambda: kernel_flow_from_gram(-GRAM, Y / 2, "cross_entropy"),
        NotPositiveDefinite,
        "none below zero",
    ),
    "nothing moves": (lambda: kernel_flow_from_gram(0 * GRAM, Y), BadInput, "Gram matrix is zero"),
    "nothing moves, integrated": (lambda: kernel_flow_from_gram(0 * GRAM, Y / 2, "cross_entropy"), BadInput, "is zero"),
    "too large": (lambda: kernel_flow_from_gram(GRAM, Y, memory_limit=100), TooLarge, "eigendecomposition of a 3 x 3"),
    "many times": (
        lambda: kernel_flow(RBF(1.0), X, Y, memory_limit="1MB").on_training(np.arange(1e5)),
        TooLarge,
        "fewer times",
    ),
    "initial of another shape": (
        lambda: kernel_flow(RBF(1.0), X, Y, initial=np.zeros((3, 2))),
        ShapeMismatch,
        "2 columns, the targets 1",
    ),
    "initial of another length": (
        lambda: kernel_flow(RBF(1.0), X, Y, initial=Y[:2]),
        ShapeMismatch,
        "initial function",
    ),
    "a function without points": (
        lambda: kernel_flow_from_gram(GRAM, Y, initial=np.sin),
        BadInput,
        "pass initial as values",
    ),
    "initial unknown at new points": (
        lambda: kernel_flow(RBF(1.0), X, Y, initial=Y).predict(X, 1.0),
        BadInput,
        "pass initial=",
    ),
    "a negative time": (lambda: FLOW.on_training([0.0, -1.0]), BadInput, "zero or positive, got -1"),
    "a time that is none": (lambda: FLOW.on_training(np.nan), BadInput, "zero or positive, got nan"),
    "times in words": (lambda: FLOW.on_training("late"), BadInput, "real numbers"),
    "times in a table": (lambda: FLOW.on_training([[1.0]]), ShapeMismatch, "a vector of numbers"),
    "half a step": (lambda: FLOW.in_steps(0.1).on_training(0.5), BadInput, "must be whole, got 0.5"),
    "no learning rate": (lambda: FLOW.in_steps(0.0), BadInput, "learning_rate must be positive"),
    "new points of another width": (lambda: FLOW.predict(X[:, :1], 1.0), ShapeMismatch, "columns"),
    "rows of another width": (lambda: FROM_GRAM.predict(X, 1.0), ShapeMismatch, r"K\(Z, X\) of shape \(m, 3\)"),
    "a law without points": (lambda: initialisation_law(FROM_GRAM, RBF(1.0)), BadInput, "use law_covariance"),
    "a law from a given start": (
        lambda: initialisation_law(kernel_flow(RBF(1.0), X, Y, initial=Y), RBF(1.0)),
        BadInput,
        "initial function of its own",
    ),
    "a law of another cost": (lambda: initialisation_law(LOGISTIC, RBF(1.0)), BadInput, "expected a KernelFlow"),
    "matrices that do not fit": (
        lambda: law_covariance(np.zeros((2, 3)), GRAM, np.zeros((3, 2)), np.zeros((2, 2))),
        ShapeMismatch,
        r"nngp_cross has shape \(3, 2\)",
    ),
    "the end of a growing flow": (lambda: LOGISTIC.on_training(np.inf), BadInput, "expected finite times"),
    "a stiff flow in little memory": (
        lambda: kernel_flow(RBF(4.0), X, np.eye(3), "cross_entropy", memory_limit=1000).on_training(1e6),
        TooLarge,
        "the Jacobian of 3 points and 3 outputs",
    ),
    "more components than there are": (lambda: kernel_components(FLOW, count=4), BadInput, "only 3 eigenvalues"),
    "a share above one": (lambda: kernel_components(FLOW).times_to(1.5), BadInput, "between 0 and 1"),
    "held-out targets of another width": (
        lambda: early_stopping(FLOW, X, np.ones((3, 2))),
        BadInput,
        "2 columns, training had 1",
    ),
    "components without points": (lambda: kernel_components(RBF(1.0)), BadInput, "a kernel with points X"),
    "a number for a Gram matrix": (lambda: kernel_flow_from_gram(1.0, Y), ShapeMismatch, r"gram has shape \(\)"),
    "a number for new points": (lambda: FLOW.predict(1.0, 1.0), ShapeMismatch, r"points have shape \(\)"),
    "a law of many points": (
        lambda: initialisation_law(kernel_flow(RBF(1.0), X, Y, memory_limit=10_000), RBF(1.0)).covariance(
            X, np.arange(200.0)
        ),
        TooLarge,
        "the law at 200 times on 3 points",
    ),
    "a wide smoother": (
        lambda: kernel_flow(RBF(1.0), X, Y, memory_limit=10_000).smoother(np.zeros((200, 2)), 1.0),
        TooLarge,
        "the smoother of 3 training points",
    ),
    "a ridge of the past": (lambda: equivalent_ridge(-1.0), BadInput, "zero or positive"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_it_is_refused_in_words(case: str) -> None:
    misuse, error, words = REFUSALS[case]
    with pytest.raises(error, match=words):
        misuse()


def test_an_unstable_learning_rate_is_told_the_largest_stable_one() -> None:
    largest = 2 / np.linalg.eigvalsh(GRAM / 3)[-1]
    assert max_learning_rate(GRAM) == pytest.approx(largest)
    with pytest.raises(BadInput, match=f"{largest:.6g}"):
        FLOW.in_steps(1.001 * largest)
    with pytest.raises(BadInput, match="unstable"):
        FLOW.in_steps(FLOW.max_learning_rate)
    end = FLOW.in_steps(0.999 * largest).on_training([10**5, np.inf])
    np.testing.assert_allclose(end, [Y, Y], atol=1e-9)
