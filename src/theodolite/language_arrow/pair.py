"""One seed, two directions: the same start, the same windows in the same order, step by step side by side."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theodolite.language_arrow.optional import needed
from theodolite.language_arrow.schedule import Schedule
from theodolite.language_arrow.sizes import Size
from theodolite.language_arrow.windows import Stream, Windows, flip
from theodolite.numerics.progress import Progress, silent

CURVE_POINTS = 12
SAVE_EVERY = 30.0  # seconds; what a killed run can lose
UNKNOWN = 10**6  # steps to plan with before the first ones have been timed


@dataclass
class Effort:
    """How long to train: a number of steps, or seconds for this pair; `pace` (seconds a step of both) is learnt."""

    steps: int | None = None
    seconds: float | None = None
    most: int = UNKNOWN
    pace: float | None = None

    def total(self, done: int, elapsed: float, chunk: int) -> int:
        """Steps of the whole run as planned now: whole chunks, at least one."""
        if self.steps is not None:
            return self.steps
        assert self.seconds is not None
        if self.pace is None:
            return min(UNKNOWN, self.most)
        left = max(0, int((self.seconds - elapsed) / self.pace / chunk))
        return max(chunk, min(done + left * chunk, self.most))


@dataclass(frozen=True)
class Pair:
    """Two trained networks, their common curve of (steps, forward, backward) validation losses, steps, seconds."""

    forward: Any
    backward: Any
    curve: list[tuple[int, float, float]]
    steps: int
    seconds: float


def warm_up(
    size: Size, vocabulary: int, stream: Stream, watched: Windows, effort: Effort, schedule: Schedule, chunk: int
) -> None:
    """Compile, and learn the pace, on a network that is thrown away: no seed pays for it with steps of its own."""
    needed("equinox", f"a {size.kind}")
    from theodolite.language_arrow import training
    from theodolite.language_arrow.networks import network
    from theodolite.language_arrow.token_losses import evaluate

    fresh = training.init(network(size, vocabulary, stream.context, 0), schedule)
    evaluate(fresh.network, watched)
    batches = stream.batches(0, chunk)
    for _ in range(2):
        started = time.monotonic()
        float(training.step(fresh, batches, 0, UNKNOWN, schedule)[1][-1])
        effort.pace = 2 * (time.monotonic() - started) / chunk


def train_pair(
    size: Size,
    vocabulary: int,
    stream: Stream,
    watched: Windows,
    *,
    seed: int,
    effort: Effort,
    schedule: Schedule,
    chunk: int,
    path: Path | None = None,
    save_every: float = SAVE_EVERY,
    progress: Progress = silent,
) -> Pair:
    """Train forward and backward networks in turns, so that time, schedule and data are common to both.

    Args: watched, windows for the curve; path of the checkpoint, from which a run goes on; save_every, seconds.
    Raises: what `progress` raises, which ends the run; it goes on from the last checkpoint.
    """
    needed("equinox", f"a {size.kind}")
    from theodolite.language_arrow import checkpoint, training
    from theodolite.language_arrow.networks import network
    from theodolite.language_arrow.token_losses import evaluate

    fresh = training.init(network(size, vocabulary, stream.context, seed), schedule)
    both = {"forward": fresh, "backward": fresh}
    facts: dict[str, Any] = {"step": 0, "total": 0, "seconds": 0.0, "curve": []}
    found = None if path is None else checkpoint.load(path, both)
    if found is not None:
        both, facts = found
    begun = time.monotonic() - facts["seconds"]
    saved = time.monotonic()
    while True:
        elapsed = time.monotonic() - begun
        step = facts["step"]
        finished = facts["total"] and step >= facts["total"]
        total = facts["total"] if finished else effort.total(step, elapsed, chunk)
        if finished or step >= total:
            break
        many = min(chunk, total - step)
        batches = stream.batches(step, many)
        started = time.monotonic()
        both["forward"], _ = training.step(both["forward"], batches, step, total, schedule)
        both["backward"], losses = training.step(both["backward"], flip(batches), step, total, schedule)
        last = float(losses[-1])  # waits for the device
        if (step > 0 and found is None) or step >= chunk:  # the first call compiles
            pace = (time.monotonic() - started) / many
            effort.pace = pace if effort.pace is None else 0.7 * effort.pace + 0.3 * pace
        step += many
        facts.update(step=step, seconds=time.monotonic() - begun)
        planned = effort.total(step, facts["seconds"], chunk)
        before = facts["curve"][-1][0] if facts["curve"] else 0
        if step - before >= max(min(planned, 100 * CURVE_POINTS) // CURVE_POINTS, 1) or step >= planned:
            now = [float(evaluate(both[way].network, turn(watched)).mean()) for way, turn in _TURNS.items()]
            facts["curve"].append([step, *now])
        if step >= planned:
            facts["total"] = step
        if path is not None and (facts["total"] or time.monotonic() - saved >= save_every):
            checkpoint.save(path, both, facts)
            saved = time.monotonic()
        progress(step, planned, f"{size.kind}, seed {seed}: step {step} of {planned}, backward loss {last:.3f}")
    nets = (both[way].network for way in ("forward", "backward"))
    curve = [(int(at), forward, backward) for at, forward, backward in facts["curve"]]
    return Pair(*nets, curve=curve, steps=facts["step"], seconds=facts["seconds"])


_TURNS = {"forward": lambda windows: windows, "backward": flip}
