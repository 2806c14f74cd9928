"""Digits, even against odd, in a few whitened principal components: the data of the scaling cases."""

from typing import NamedTuple

import numpy as np

from theodolite.experiments.key import Key
from theodolite.experiments.real_data import load


class Parity(NamedTuple):
    """Training inputs and labels, test inputs and labels; labels are +1 (even) and -1."""

    X: np.ndarray
    Y: np.ndarray
    Z: np.ndarray
    W: np.ndarray


def parity(rows: int, test_rows: int, components: int, flips: float, key: Key) -> Parity:
    """As many even as odd digits to train on, others to test on.

    Principal components of the training images, each divided by its standard deviation there, all rows then centred by
    the training mean. A share `flips` of the training labels is turned round, never a test label.
    """
    table = load("digits parity", key)
    rng = key.split("rows").rng()
    order = rng.permutation(len(table.inputs))
    labels = table.targets[order]
    train = np.sort(np.concatenate([np.flatnonzero(labels == sign)[: rows // 2] for sign in (1.0, -1.0)]))
    test = np.setdiff1d(np.arange(len(order)), train)[:test_rows]
    images = table.inputs[order]
    mean = images[train].mean(0)
    _, scale, axes = np.linalg.svd(images[train] - mean, full_matrices=False)
    whitened = (images - mean) @ axes[:components].T * (np.sqrt(len(train)) / scale[:components])
    Y = labels[train].copy()
    turned = key.split("flips").rng().choice(len(train), round(flips * len(train)), replace=False)
    Y[turned] *= -1.0
    return Parity(whitened[train], Y, whitened[test], labels[test])
