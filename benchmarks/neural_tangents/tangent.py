"""One contestant of the race of empirical tangent kernels: `tangent.py MODEL N WAY REPEATS OUT`.

WAY: "nt1", "nt2", "nt3", the implementations of neural-tangents (Jacobian contraction, vector products, structured
derivatives); "ours", a network of this package; "ours-plain", the plain function, "ours-jacobian" and "ours-products"
by that route. Writes the kernel and the seconds.
"""

import os
import sys
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import jax
import numpy as np
from models import MODELS, inputs, weights
from serving import peak_memory

jax.config.update("jax_enable_x64", True)


def work(model: str, n: int, way: str):
    """The function to be timed."""
    f, params, x = MODELS[model][0], [jax.numpy.asarray(w) for w in weights(model)], inputs(model, n)
    if way.startswith("nt"):
        import neural_tangents as nt
        from jax._src import source_info_util

        jax.interpreters.ad.source_info_util = source_info_util  # its structured derivatives look for it there
        options = {"trace_axes": (-1,), "vmap_axes": 0}
        implementation = nt.NtkImplementation(int(way[2]))
        kernel = jax.jit(nt.empirical_ntk_fn(f, implementation=implementation, **options))
        return lambda: np.asarray(kernel(x, None, params))
    from theodolite.architectures import parse
    from theodolite.finite_width import network, tangent_kernel

    if way.startswith("ours-"):
        route = None if way == "ours-plain" else way.removeprefix("ours-")
        return lambda: tangent_kernel(f, params, x, route=route)
    text = "relu*3" if model == "mlp" else "conv relu conv relu globalaveragepool dense"
    net = network(parse(text), 512 if model == "mlp" else 32, 10)
    tree = net.init(jax.random.key(0), x.shape[1:], jax.numpy.float64)
    leaves, structure = jax.tree.flatten(tree)
    assert [leaf.shape for leaf in leaves] == [w.shape for w in params]
    tree = jax.tree.unflatten(structure, params)
    return lambda: tangent_kernel(net, tree, x)


def main() -> None:
    model, n, way, repeats, out = sys.argv[1:]
    run = work(model, int(n), way)
    started = time.perf_counter()
    answer = run()
    first = time.perf_counter() - started
    cpu = []
    for _ in range(int(repeats)):
        started = time.process_time()
        run()
        cpu.append(time.process_time() - started)
    np.savez(out, kernel=answer, cpu=np.array(cpu), first=np.array(first), memory=np.array(peak_memory()))


if __name__ == "__main__":
    main()
