"""neural-tangents as a contestant: reads jobs as `serving` describes, in an environment of its own.

    NEURAL_TANGENTS_PYTHON benchmarks/neural_tangents/peer.py < jobs

variant: "jit", compiled as a whole; "plain", as its users call it first; "batch:500", nt.batch in blocks of 500 rows.
"""

import os
import warnings
from collections.abc import Callable
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
warnings.filterwarnings("ignore")

import jax  # noqa: E402
import neural_tangents as nt  # noqa: E402
import numpy as np  # noqa: E402
from serving import Kernels, serve  # noqa: E402
from translation import first_shape, stax_layers  # noqa: E402


def prepare(job: dict[str, Any], x: np.ndarray, z: np.ndarray | None) -> Callable[[], Kernels]:
    """The kernels of the job's network on x (and z), ready to be computed."""
    jax.config.update("jax_enable_x64", job["dtype"] == "float64")
    net, shape = first_shape(job["net"])
    if shape is not None:
        x, z = x.reshape(len(x), *shape), None if z is None else z.reshape(len(z), *shape)
    _, _, kernel = stax_layers(net, x.ndim - 2, job["degree"])
    get = tuple(job["get"])
    inputs = (jax.device_put(x),) if z is None else (jax.device_put(x), jax.device_put(z))
    if job["variant"].startswith("batch:"):
        kernel = nt.batch(kernel, batch_size=int(job["variant"][6:]))

    def run(x: Any, z: Any = None) -> dict[str, Any]:
        return dict(zip(get, kernel(x, z, get=get), strict=True))

    if job["variant"] == "jit":
        run = jax.jit(run).lower(*inputs).compile()

    def work() -> Kernels:
        return {name: np.asarray(value) for name, value in jax.block_until_ready(run(*inputs)).items()}

    return work


if __name__ == "__main__":
    serve(prepare)
