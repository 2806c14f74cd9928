"""Two small teachers whose students reach zero loss or do not: the problem of the landscape cases."""

from typing import NamedTuple

import numpy as np

from theodolite.landscape import Mlp, SquaredCost, mlp, squared_cost

OUTGOING = (1.0, -1.0, 1.0, -1.0)
INCOMING = {
    "hard": ((0.6, 0.5), (-0.5, 0.5), (-0.2, -0.6), (0.1, -0.6)),
    "easy": ((1.0, 0.2), (-0.3, 1.0), (-0.9, -0.5), (0.4, -1.0)),
}


class Teacher(NamedTuple):
    """A network of four neurons, and the cost of imitating it on a grid."""

    network: Mlp
    cost: SquaredCost


def teacher(name: str, side: int) -> Teacher:
    """The teacher "hard" or "easy" on a grid of side x side points of [-5, 5]^2; activation "asymmetric", no bias."""
    network = mlp([INCOMING[name], [OUTGOING]], activation="asymmetric")
    points = np.linspace(-5.0, 5.0, side)
    X = np.array([(x, y) for x in points for y in points])
    return Teacher(network, squared_cost(X, network(X), "asymmetric"))
