"""What all flows answer: predictions on training points and new ones, and the cost, at any times."""

from typing import Any

import numpy as np

from theodolite.training_dynamics.pace import times_array
from theodolite.training_dynamics.problem import Problem, require_answers


class Trajectory:
    """f_t = f_0 + K(., X) a_t. Each kind of flow has its dual coefficients a_t, outputs f_t(X) and cost.

    Times are numbers or vectors (l,); answers are (n,) or (n, k) for one time, (l, n) or (l, n, k) for several.
    """

    problem: Problem
    memory_limit: int | str | None

    def dual(self, times: Any) -> np.ndarray:
        """a_t, (l, n, k)."""
        raise NotImplementedError

    def outputs(self, times: np.ndarray) -> np.ndarray:
        """f_t(X), (l, n, k)."""
        raise NotImplementedError

    def cost(self, times: Any) -> Any:
        """The cost on the training points: a float for one time, (l,) for several."""
        raise NotImplementedError

    def checked_times(self, times: Any) -> np.ndarray:
        """Times as float64 (l,). Raises BadInput, ShapeMismatch."""
        return times_array(times)

    def on_training(self, times: Any) -> np.ndarray:
        """f_t(X). Raises BadInput for negative times. Cost: O(n^2 k) a time."""
        checked = self.checked_times(times)
        require_answers(len(checked), self.problem.n, self.problem.targets.shape[1], self.memory_limit)
        return self.problem.answer(self.outputs(checked), times)

    def predict(self, Z: Any, times: Any, *, initial: Any = None) -> np.ndarray:
        """f_t(Z) = f_0(Z) + K(Z, X) a_t.

        Args: Z, new points (m, ...) as the kernel takes them; for a flow made from a Gram matrix their rows K(Z, X),
            (m, n). times, a number or (l,). initial, f_0(Z), (m,) or (m, k), when the flow was given values of f_0.
        Returns: (m,) or (m, k); with a time axis in front for several times.
        Raises: ShapeMismatch, NotFinite, BadInput, TooLarge.
        Cost: O(n^2 k + m n k) a time and m n kernel values, evaluated block by block.
        """
        checked = self.checked_times(times)
        k = self.problem.targets.shape[1]
        require_answers(len(checked), max((self.problem.n, *np.shape(Z)[:1])), k, self.memory_limit)
        dual = self.dual(checked).transpose(1, 0, 2).reshape(self.problem.n, -1)
        moved = self.problem.points.times(Z, dual)
        moved = moved.reshape(len(moved), len(checked), k).transpose(1, 0, 2)
        return self.problem.answer(moved + self.problem.initial_at(Z, moved.shape[1], initial), times)
