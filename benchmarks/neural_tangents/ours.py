"""Theodolite as a contestant, in this environment: reads jobs as `serving` describes.

variant: "jit" (the name of the peer's; ours compiles nothing), the public call; "product", X @ X.T alone, as a floor.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from serving import Kernels, Refused, serve

from theodolite.architectures import from_config
from theodolite.infinite_width import limit, nngp
from theodolite.numerics.errors import NoInfiniteWidthLimit


def prepare(job: dict[str, Any], x: np.ndarray, z: np.ndarray | None) -> Callable[[], Kernels]:
    """The kernels of the job's network on x (and z), ready to be computed."""
    if job["variant"] == "product":
        flat = x.reshape(len(x), -1)
        return lambda: {"product": flat @ flat.T}
    try:
        both = "ntk" in job["get"]
        kernel = (limit if both else nngp)(from_config(job["net"]))
    except NoInfiniteWidthLimit as error:
        raise Refused(str(error)) from None

    def work() -> Kernels:
        found = kernel(x) if z is None else kernel(x, z)
        return {"nngp": np.asarray(found.nngp), "ntk": np.asarray(found.ntk)} if both else {"nngp": np.asarray(found)}

    return work


if __name__ == "__main__":
    serve(prepare)
