"""Training on two devices gives the losses of one."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
import jax
import numpy as np
from theodolite.language_arrow import measure

random = np.random.default_rng(0)
documents = [random.integers(0, 7, 300).cumsum() % 11 for _ in range(40)]
found = measure(documents, model="gpt-0.1M", context=16, steps=12, batch=8, seeds=1)
print(json.dumps([len(jax.devices()), found.forward, found.backward]))
"""


@pytest.mark.full
def test_rows_split_among_two_devices_train_the_same_network() -> None:
    pytest.importorskip("equinox", reason="needs the extra [language]")
    ended = {}
    for devices in (1, 2):
        flags = f"--xla_force_host_platform_device_count={devices}"
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"XLA_FLAGS": flags},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr[-2000:]
        seen, *losses = json.loads(ran.stdout.splitlines()[-1])
        assert seen == devices
        ended[devices] = losses
    assert ended[2] == pytest.approx(ended[1], rel=1e-4)  # sums in another order, twelve steps long
