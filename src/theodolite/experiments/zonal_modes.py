"""Points on a sphere, harmonics of one degree as targets, and deep ReLU networks: what the cases on layers share."""

import math

import numpy as np

from theodolite.architectures import Dense, Node, Relu
from theodolite.experiments.key import Key
from theodolite.numerics.gegenbauer import gegenbauer_values, multiplicity


def deep_relu(layers: int) -> Node:
    """`layers` layers of weights with a ReLU of mean square 1 between them: every layer's kernel is 1 at cosine 1.

    >>> deep_relu(2)
    Dense() >> Relu().standardised() >> Dense()
    """
    net: Node = Dense()
    for _ in range(layers - 1):
        net = net >> Relu().standardised() >> Dense()
    return net


def on_sphere(count: int, dimension: int, key: Key) -> np.ndarray:
    """Points (count, d) uniform on the sphere of radius sqrt(d), float32."""
    points = key.rng().standard_normal((count, dimension))
    return (points * (math.sqrt(dimension) / np.linalg.norm(points, axis=1, keepdims=True))).astype(np.float32)


def zonal(points: np.ndarray, degrees: tuple[int, ...], pole: np.ndarray) -> np.ndarray:
    """Z_k(x) = sqrt(N(d, k)) P_k(cos(x, pole)), of mean square 1 on the sphere: (degrees, n), float32.

    >>> points = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> zonal(points, (0, 1), points[0]).round(4).tolist()
    [[1.0, 1.0], [1.7321..., 0.0]]
    """
    d = points.shape[1]
    cosines = points.astype(np.float64) @ pole / np.linalg.norm(pole) / np.linalg.norm(points, axis=1)
    values = gegenbauer_values(cosines, d, max(degrees) + 1)
    return np.array([math.sqrt(multiplicity(d, k)) * values[k] for k in degrees], dtype=np.float32)
