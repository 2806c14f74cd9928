"""In what order neurons go to their new places when some places are free, several at a time."""

import math
from collections.abc import Iterable, Sequence

Step = tuple[int, int, int]  # neuron, place it leaves, place it takes


def rounds(sources: Sequence[int], targets: Sequence[int], free: Iterable[int], turned: Iterable[int] = ()) -> list:
    """Rounds of simultaneous moves, each into a place that is free when the round begins.

    A neuron whose place is free goes there. Places that nobody wants take neurons that wait: one of each cycle, which
    would wait for ever, then those that cut the longest queues into equal parts. With one free place
    this is the usual way round each cycle; with as many free places as neurons two rounds do for any permutation.

    Args: sources, targets: neuron i is at place sources[i] and goes to targets[i], the sources all different, the
        targets too; free, the places without a neuron; turned, neurons that must leave their place even where they come
        back to it.
    Returns: a list of rounds, each a list of (neuron, from, to); a neuron that is parked appears twice.
    Source: made for this package. Cost: O(neurons) a round.

    >>> rounds([0, 1], [1, 0], [2])
    [[(0, 0, 2)], [(1, 1, 0)], [(0, 2, 1)]]
    >>> len(rounds([0, 1, 2, 3], [1, 2, 3, 0], [4])), len(rounds([0, 1, 2, 3], [1, 2, 3, 0], [4, 5, 6, 7]))
    (5, 2)
    """
    at, empty, turned = list(sources), set(free), set(turned)
    waiting = [i for i in range(len(at)) if at[i] != targets[i] or i in turned]
    found: list[list[Step]] = []
    while waiting:
        queues, cycles = _queues(waiting, at, targets, empty)
        idle = sorted(empty - {targets[queue[0]] for queue in queues})
        parked = _parked(queues, cycles, len(idle))
        heads = [(queue[0], at[queue[0]], targets[queue[0]]) for queue in queues]
        moves = heads + [(i, at[i], place) for i, place in zip(parked, idle)]
        for i, before, after in moves:
            at[i] = after
            empty ^= {before, after}
        done = {queue[0] for queue in queues}
        waiting = [i for i in waiting if i not in done]
        found.append(moves)
    return found


def _queues(
    waiting: list[int], at: list[int], targets: Sequence[int], empty: set[int]
) -> tuple[list[list[int]], list[list[int]]]:
    """Neurons one after the other: each waits for the place of the one before it; cycles wait for themselves."""
    wanted = {targets[i]: i for i in waiting}

    def behind(first: int) -> list[int]:
        line, after = [first], wanted.get(at[first])
        while after is not None and after != first:
            line.append(after)
            after = wanted.get(at[after])
        return line

    queues = [behind(i) for i in waiting if targets[i] in empty]
    seen = {i for queue in queues for i in queue}
    cycles = []
    for i in waiting:
        if i not in seen:
            cycles.append(behind(i))
            seen.update(cycles[-1])
    return queues, cycles


def _parked(queues: list[list[int]], cycles: list[list[int]], idle: int) -> list[int]:
    """Which neurons step aside this round, so that the longest wait becomes short."""
    cut = sorted(cycles, key=len, reverse=True)[:idle]  # a cycle needs one aside to begin with
    found = [cycle[0] for cycle in cut]
    lines = [queue[1:] for queue in queues] + [[*cycle[1:], cycle[0]] for cycle in cut]  # heads move anyway
    parts = [1] * len(lines)
    for _ in range(idle - len(cut)):
        waits = [math.ceil(len(line) / shares) for line, shares in zip(lines, parts)]
        if max(waits, default=0) < 2:
            break
        parts[waits.index(max(waits))] += 1
    for line, shares in zip(lines, parts):
        ends = [len(line) * part // shares for part in range(1, shares)]
        found += [line[end - 1] for end in ends]
    return found
