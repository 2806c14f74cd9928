"""One contestant of `curvature.py`, a process of its own: reads a job, then runs once for each line it is sent.

    python benchmarks/curvature_contestant.py NAME JOB.npz

NAME is theodolite, matfree, pyhessian or curvlinops; the last two want an environment with PyTorch, where theodolite
need not be installed. A line is JSON: the tasks to run and the products of the first. A reply is one line of JSON:
processor seconds of each task, and the answers. The task `floor` is the matrix multiplications of one product with the
Hessian by the contestant's own library, and nothing else; `numpy` does it with NumPy's.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Task = Callable[[], Any]  # eigenvalues (10,), or nodes and weights (probes, steps)


def theodolite(job: Any) -> tuple[Task, Task]:
    """Ours."""
    import jax.numpy as jnp

    from theodolite import curvature

    def f(params: Any, X: Any) -> Any:
        for W, b in params[:-1]:
            X = jnp.tanh(X @ W + b)
        return X @ params[-1][0] + params[-1][1]

    def operator() -> Any:  # made anew for each task, as a user would: checks and linearisation are timed
        return curvature.hessian("cross_entropy", f, layers(job), (job["X"], job["y"]))

    def top() -> Any:
        return curvature.top_eigenvalues(operator(), 10, products=int(job["products"]), tolerance=1e-30).values

    def density() -> Any:
        found = curvature.spectral_density(operator(), probes=int(job["probes"]), steps=int(job["steps"]))
        return found.nodes, found.weights

    return top, density


def matfree(job: Any) -> tuple[Task, Task]:
    """matfree by hand: everything in one compiled function, in single precision."""
    import jax
    import jax.numpy as jnp
    from jax.flatten_util import ravel_pytree
    from matfree import decomp

    params = jax.tree.map(jnp.asarray, layers(job))
    flat, unravel = ravel_pytree(params)
    X, Y = jnp.asarray(job["X"]), jnp.eye(10, dtype=np.float32)[job["y"]]

    def loss(vector: Any, X: Any, Y: Any) -> Any:
        *hidden, last = unravel(vector)
        for W, b in hidden:
            X = jnp.tanh(X @ W + b)
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(X @ last[0] + last[1]) * Y, axis=1))

    def tridiagonal(steps: int, flat: Any, X: Any, Y: Any, start: Any) -> Any:
        product = jax.linearize(lambda v: jax.grad(loss)(v, X, Y), flat)[1]
        return decomp.tridiag_sym(steps, reortho="full", materialize=True)(product, start)

    @partial(jax.jit, static_argnums=0)
    def ends(products: int, flat: Any, X: Any, Y: Any, start: Any) -> Any:
        found = tridiagonal(products, flat, X, Y, start)
        values, vectors = jnp.linalg.eigh(found.J_small)
        return values[-10:], vectors[:, -10:].T @ found.Q_tall

    @jax.jit
    def quadrature(flat: Any, X: Any, Y: Any, starts: Any) -> Any:
        def one(start: Any) -> Any:
            values, vectors = jnp.linalg.eigh(tridiagonal(int(job["steps"]), flat, X, Y, start).J_small)
            return values, vectors[0] ** 2

        return jax.lax.map(one, starts)

    def top() -> Any:
        start = np.random.default_rng(0).standard_normal(flat.size).astype(np.float32)
        return np.asarray(jax.block_until_ready(ends(int(job["products"]), flat, X, Y, start))[0])[::-1]

    def density() -> Any:
        signs = np.random.default_rng(0).integers(0, 2, (int(job["probes"]), flat.size))
        return tuple(np.asarray(part) for part in quadrature(flat, X, Y, (2 * signs - 1).astype(np.float32)))

    return top, density


def pyhessian(job: Any) -> tuple[Task, Task]:
    """PyHessian, with its gradient kept between products (`data`, its fast way)."""
    import torch
    from pyhessian import hessian

    def eig(T: Any, eigenvectors: bool) -> Any:  # PyTorch 2 has it no more; T is symmetric
        values, vectors = torch.linalg.eigh(T)
        return torch.stack([values, torch.zeros_like(values)], dim=1), vectors

    torch.eig = eig
    model, X, y, loss = torch_parts(job)

    def made() -> Any:
        return hessian(model, loss, data=(X, y), cuda=False)

    def top() -> Any:  # power iteration, one eigenvector after the other
        return made().eigenvalues(maxIter=int(job["products"]) // 10, tol=0.0, top_n=10)[0]

    def density() -> Any:
        nodes, weights = made().density(iter=int(job["steps"]), n_v=int(job["probes"]))
        return np.array(nodes), np.array(weights)

    torch.manual_seed(0)
    return top, density


def curvlinops(job: Any) -> tuple[Task, Task]:
    """curvlinops: ARPACK for the ends, its Lanczos for the density."""
    import torch
    from curvlinops import HessianLinearOperator
    from curvlinops.papyan2020traces.spectrum import fast_lanczos
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    model, X, y, loss = torch_parts(job)
    params = [p for p in model.parameters() if p.requires_grad]

    def made() -> Any:
        return HessianLinearOperator(model, loss, params, [(X, y)], check_deterministic=False)

    def top() -> Any:
        try:
            operator = made().to_scipy()
            return eigsh(operator, 10, which="LA", ncv=int(job["products"]), maxiter=1, return_eigenvectors=False)[::-1]
        except ArpackNoConvergence as error:
            return np.sort(error.eigenvalues)[::-1]

    def density() -> Any:
        operator = made()
        found = [fast_lanczos(operator, int(job["steps"])) for _ in range(int(job["probes"]))]
        return np.array([values for values, _ in found]), np.array([vectors[0] ** 2 for _, vectors in found])

    torch.manual_seed(0)
    return top, density


def numpy(job: Any) -> tuple[Task, Task]:
    """Nothing but the floor."""
    return (lambda: np.zeros(0)), (lambda: (np.zeros(0), np.zeros(0)))


def multiplications(job: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """What a product with the Hessian of a perceptron must multiply when what does not depend on the vector is kept.

    A layer a -> h = a W along V: a V and (Ra) W forwards; (Rd) W' and d V' backwards; a' (Rd) and (Ra)' d for the
    gradient. The first layer has no Ra and needs no backward. Entries are random: time does not depend on them.
    """
    random, rows, found = np.random.default_rng(0), len(job["X"]), []

    def array(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    for place, (W, _) in enumerate(layers(job)):
        a, V, Rd = array(rows, W.shape[0]), array(*W.shape), array(rows, W.shape[1])
        found += [(a, V), (a.T, Rd)]
        if place:
            Ra, d = array(rows, W.shape[0]), array(rows, W.shape[1])
            found += [(Ra, W), (Rd, W.T), (d, V.T), (Ra.T, d)]
    return found


def floor(name: str, job: Any) -> Task:
    """These multiplications by the library of a contestant, transposed where they are."""
    pairs = multiplications(job)
    if name == "numpy":
        return lambda: [x @ y for x, y in pairs]
    plain = [(x.T if x.flags.f_contiguous else x, y.T if y.flags.f_contiguous else y) for x, y in pairs]
    turned = [(x.flags.f_contiguous, y.flags.f_contiguous) for x, y in pairs]
    if name in ("theodolite", "matfree"):
        import jax

        @jax.jit
        def all_of_them(plain: Any) -> Any:
            return [(x.T if a else x) @ (y.T if b else y) for (x, y), (a, b) in zip(plain, turned, strict=True)]

        kept = jax.device_put(plain)
        return lambda: jax.block_until_ready(all_of_them(kept))
    import torch

    tensors = [
        (torch.as_tensor(x).t() if a else torch.as_tensor(x), torch.as_tensor(y).t() if b else torch.as_tensor(y))
        for (x, y), (a, b) in zip(plain, turned, strict=True)
    ]
    return lambda: [x @ y for x, y in tensors]


def layers(job: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (in, out) and biases."""
    return [(job[f"W{i}"], job[f"b{i}"]) for i in range(int(job["depth"]))]


def torch_parts(job: Any) -> Any:
    """The same network, data and loss in PyTorch."""
    import torch

    torch.set_num_threads(1)
    modules: list[Any] = []
    for W, b in layers(job):
        linear = torch.nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.as_tensor(W.T.copy()))
            linear.bias.copy_(torch.as_tensor(b))
        modules += [linear, torch.nn.Tanh()]
    X, y = torch.as_tensor(job["X"]), torch.as_tensor(job["y"])
    return torch.nn.Sequential(*modules[:-1]), X, y, torch.nn.CrossEntropyLoss()


def main() -> None:
    name, path = sys.argv[1:]
    with np.load(path) as file:
        job = dict(file)
    tasks = dict(zip(("top", "density"), globals()[name](job), strict=True))
    multiply = floor(name, job)
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        job["products"] = asked["products"]
        reply = {}
        for task in asked["tasks"]:
            began = time.process_time()
            answer = np.zeros(0) if task == "floor" else tasks[task]()
            if task == "floor":
                for _ in range(asked["products"]):
                    multiply()
            reply[f"{task}_seconds"] = time.process_time() - began
            parts = answer if isinstance(answer, tuple) else (answer,)
            reply[task] = [np.real(np.asarray(part, np.float64)).tolist() for part in parts]
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
