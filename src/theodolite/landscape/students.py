"""Small students trained by gradient flow, one start after another, and what each of them ended in."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.integrate import odeint
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from theodolite.landscape.levenberg_marquardt import levenberg_marquardt
from theodolite.landscape.squared_cost import SquaredCost
from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.errors import BadInput, DidNotConverge
from theodolite.numerics.files import write_json
from theodolite.numerics.progress import Progress, silent

Kind = Literal["zero loss", "plateau", "slow channel"]
KINDS: tuple[Kind, ...] = ("zero loss", "plateau", "slow channel")
ZERO_LOSS = 1e-10  # of half the mean squared error, after polishing
SETTLED = 1e-8  # largest entry of the gradient at a point that stands still
NEWTON_STEPS = 10
RUNAWAY = 1.5  # factor by which outgoing weights grow while a slow channel is polished


@dataclass(frozen=True)
class Student:
    """One trained network.

    Attributes: theta, where the flow stopped; cost, there; polished, the parameters after second-order steps from
    there; polished_cost, gradient and largest, the cost, the largest entry of the gradient and the largest outgoing
    weight there; kind, see `classify`.
    """

    theta: np.ndarray
    cost: float
    polished: np.ndarray
    polished_cost: float
    gradient: float
    largest: float
    kind: Kind


def glorot_start(cost: SquaredCost, width: int, rng: np.random.Generator) -> np.ndarray:
    """Random parameters, normal with variance 2 / (fan in + fan out) for each layer.

    Source: Glorot and Bengio (2010).

    >>> from theodolite.landscape import squared_cost
    >>> glorot_start(squared_cost([[1.0, 2.0]], [1.0], "tanh"), 3, np.random.default_rng(0)).shape  # 3 * (2 + 1)
    (9,)
    """
    d, o = cost.X.shape[1], cost.Y.shape[1]
    incoming = rng.standard_normal(width * d) * np.sqrt(2 / (d + width))
    return np.concatenate([incoming, rng.standard_normal(o * width) * np.sqrt(2 / (width + o))])


def gradient_flow(
    cost: SquaredCost, theta: np.ndarray, times: Sequence[float] | np.ndarray, *, tolerance: float = 1e-5
) -> np.ndarray:
    """Parameters along d theta / dt = -grad C(theta) from theta at time 0.

    Args: cost; theta (P,); times, rising and > 0, in the unit in which a step of gradient descent takes its rate;
        tolerance, relative, of the integrator; the absolute one is a thousandth of it.
    Returns: (times, P). Raises: DidNotConverge when the integrator gives up.
    Method: LSODA with the exact Hessian as its Jacobian, so that the stiff part costs no small steps.
    Cost: a few hundred Hessians for a small student.
    Source: Simsek et al. (2021), arXiv:2105.12221, students trained by gradient flow.

    >>> from theodolite.landscape import squared_cost
    >>> cost = squared_cost([[1.0]], [1.0], "identity")
    >>> w, a = gradient_flow(cost, np.array([0.5, 0.5]), [100.0])[-1]
    >>> bool(abs(w * a - 1) < 1e-4)
    True
    """
    grid = np.concatenate([[0.0], np.asarray(times, dtype=np.float64)])
    if np.any(np.diff(grid) <= 0):
        raise BadInput("times must rise and be positive")
    found, report = odeint(
        lambda _, at: -cost.gradient(at),
        theta,
        grid,
        Dfun=lambda _, at: -cost.hessian(at),
        rtol=tolerance,
        atol=1e-3 * tolerance,
        mxstep=100_000,
        tfirst=True,
        full_output=True,
    )
    if not np.isfinite(found).all() or not str(report["message"]).startswith("Integration successful"):
        raise DidNotConverge(
            f"the gradient flow was given up ({report['message']}); try a smaller start or a larger tolerance"
        )
    return found[1:]


def polish(cost: SquaredCost, theta: np.ndarray, *, steps: int = 300) -> np.ndarray:
    """Second-order steps down the valley one is in: Levenberg-Marquardt, then Newton's at a minimum of positive cost.

    Args: steps, of the first kind, at most. Returns: parameters (P,) of no larger cost.

    >>> from theodolite.landscape import squared_cost
    >>> cost = squared_cost([[1.0]], [1.0], "identity")
    >>> cost.value(polish(cost, np.array([0.9, 1.0]))) < 1e-20
    True
    """
    at = levenberg_marquardt(lambda there: cost.residuals(there).ravel(), cost.jacobian, theta, steps)
    for _ in range(NEWTON_STEPS):
        slope = cost.gradient(at)
        try:
            step = cho_solve(cho_factor(cost.hessian(at)), -slope)
        except LinAlgError:  # no minimum, or a degenerate one
            break
        if np.abs(cost.gradient(at + step)).max() >= np.abs(slope).max() or cost.value(at + step) > cost.value(theta):
            break
        at = at + step
    return at


def classify(cost: SquaredCost, theta: np.ndarray, *, steps: int = 300) -> Student:
    """Polish the end of a flow and say what it is.

    "zero loss": the cost falls below 1e-10. "plateau": it does not, the gradient vanishes (below 1e-8) and the weights
    stay where they are. "slow channel": neither; the weights run away and the cost keeps falling, ever more slowly, as
    where two neurons with growing opposite outgoing weights imitate a derivative.

    Returns: a Student.

    >>> from theodolite.landscape import squared_cost
    >>> classify(squared_cost([[1.0]], [1.0], "identity"), np.array([0.9, 1.0])).kind
    'zero loss'
    """
    polished = polish(cost, theta, steps=steps)
    gradient = float(np.abs(cost.gradient(polished)).max())
    before, after = (float(np.abs(cost.parts(at)[1]).max()) for at in (theta, polished))
    kind: Kind = "slow channel"
    if cost.value(polished) < ZERO_LOSS:
        kind = "zero loss"
    elif gradient < SETTLED and after < RUNAWAY * before:
        kind = "plateau"
    return Student(theta, cost.value(theta), polished, cost.value(polished), gradient, after, kind)


def train_student(
    cost: SquaredCost, start: np.ndarray, *, until: float = 1e5, tolerance: float = 1e-5, steps: int = 300
) -> Student:
    """Gradient flow from a start until a time, then `classify`.

    >>> from theodolite.landscape import squared_cost
    >>> train_student(squared_cost([[1.0]], [1.0], "identity"), np.array([0.5, 0.5]), until=100.0).kind
    'zero loss'
    """
    return classify(cost, gradient_flow(cost, start, [positive(until, "until")], tolerance=tolerance)[-1], steps=steps)


def train_students(
    cost: SquaredCost,
    width: int,
    seeds: Sequence[int],
    *,
    until: float = 1e5,
    tolerance: float = 1e-5,
    steps: int = 300,
    folder: str | Path | None = None,
    progress: Progress = silent,
) -> list[Student]:
    """Train a student from each seed's `glorot_start`; a killed run goes on where it was.

    Args: cost; width m; seeds; until, tolerance as in `gradient_flow`; steps of polishing at most; folder, where each
        finished student is kept as a small JSON file and looked for first; progress hears of each.
    Returns: a Student for each seed, in order. Raises: BadInput when the folder holds students of another problem.
    Source: Simsek et al. (2021), arXiv:2105.12221, students and their teacher.

    >>> from theodolite.landscape import squared_cost
    >>> cost = squared_cost(np.linspace(-1, 1, 9)[:, None], np.tanh(np.linspace(-1, 1, 9)), "tanh")
    >>> [student.kind for student in train_students(cost, 1, [0, 1], until=1e3)]
    ['zero loss', 'zero loss']
    """
    width = positive_integer(width, "width")
    settings = {"width": width, "until": until, "tolerance": tolerance, "steps": steps}
    problem = _fingerprint(cost, settings)
    found = []
    for done, seed in enumerate(seeds):
        progress(done, len(seeds), f"student {done + 1} of {len(seeds)}, width {width}")
        file = None if folder is None else Path(folder) / f"width-{width}-seed-{seed}.json"
        student = None if file is None else _kept(file, problem)
        if student is None:
            start = glorot_start(cost, width, np.random.default_rng(seed))
            student = train_student(cost, start, until=until, tolerance=tolerance, steps=steps)
            if file is not None:
                write_json(file, {"problem": problem, "seed": seed, **vars(student)})
        found.append(student)
    progress(len(seeds), len(seeds), "done")
    return found


def _kept(file: Path, problem: str) -> Student | None:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        return None
    except ValueError:
        told = {}
    if told.get("problem") != problem:
        raise BadInput(f"{file} is damaged or holds a student of another problem; name another folder, or remove it")
    arrays = {name: np.array(told[name]) for name in ("theta", "polished")}
    rest = {name: told[name] for name in ("cost", "polished_cost", "gradient", "largest", "kind")}
    return Student(**arrays, **rest)


def _fingerprint(cost: SquaredCost, settings: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([settings, cost.activation.name, cost.X.shape, cost.Y.shape]).encode())
    for array in (cost.X, cost.Y):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
