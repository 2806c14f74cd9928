"""The empirical tangent kernel of PyTorch modules, through `torch.func`; an optional dependency, extra `[torch]`."""

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import is_numpy_array

from theodolite.kernels import Kernel, Pairs
from theodolite.kernels.pairs import as_data
from theodolite.numerics import memory
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput

SHARE = 0.25  # of the memory limit that the derivatives of one block of inputs may take


def from_torch(module: Any, *, block: int | None = None, memory_limit: int | str | None = None) -> "TorchTangentKernel":
    """The empirical tangent kernel of a PyTorch module at its present weights, as a kernel on numpy arrays.

    sum over parameters p that require a gradient of (d f_o(x) / d p) (d f_o(z) / d p), the mean over outputs o.

    Args: module, a torch.nn.Module that treats inputs one by one in evaluation mode, which it is read in (no dropout,
        batch normalisation with its running statistics); it is copied and left alone. block, inputs at a time;
        memory_limit, for their derivatives.
    Returns: a Kernel: `kernel(X, Z)`, `gram(kernel, X)`, and `kernel.full(X, Z)` for all pairs of outputs. X (n, ...)
        as the module takes it. Raises: BadInput when torch is missing or the module has no weights.
    Cost: as many backward passes an input as outputs, and a product of the derivatives.

    >>> import torch                                                        # doctest: +SKIP
    >>> kernel = from_torch(torch.nn.Linear(3, 1, bias=False))              # doctest: +SKIP
    >>> kernel(np.eye(3))                                                   # doctest: +SKIP
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise BadInput("from_torch needs PyTorch; install it with: pip install 'theodolite[torch]'") from None
    if not isinstance(module, torch.nn.Module):
        raise BadInput(f"expected a torch.nn.Module, got {type(module).__name__}")
    module = copy.deepcopy(module).eval()
    if not any(weight.requires_grad for weight in module.parameters()):
        raise BadInput(f"{type(module).__name__} has no parameters that require a gradient: no tangent kernel")
    return TorchTangentKernel(module, block, memory_limit)


@dataclass(frozen=True, eq=False, repr=False)
class TorchTangentKernel(Kernel):
    """The tangent kernel of a module, traced over the outputs; `from_torch` makes it."""

    does_its_own_blocks: ClassVar[bool] = True

    module: Any
    block: int | None = None
    memory_limit: int | str | None = None

    def on(self, pairs: Pairs) -> Any:
        if not is_numpy_array(pairs.X):
            raise BadInput("the tangent kernel of a torch module takes numpy arrays; convert with numpy.asarray")
        full = self._products(pairs.X, None if pairs.symmetric else pairs.Z, trace=True)
        return full.astype(pairs.X.dtype, copy=False)

    def full(self, X: Any, Z: Any = None) -> np.ndarray:
        """All pairs of outputs, (n, m, k, k)."""
        X = as_data(X)
        return self._products(X, None if Z is None else as_data(Z), trace=False)

    def diagonal(self, X: Any) -> Any:
        X = as_data(X)
        step = self._block(X)
        parts = [self._rows(X[i : i + step]) for i in range(0, len(X), step)]
        squares = [sum((row**2).sum(axis=(1, 2)) for row in part) / part[0].shape[1] for part in parts]
        return np.concatenate(squares).astype(X.dtype, copy=False)

    def config(self) -> dict[str, Any]:
        raise BadInput("the tangent kernel of a module with its weights cannot be written to a file; save the module")

    def __repr__(self) -> str:
        return f"from_torch({type(self.module).__name__})"

    def _products(self, X: np.ndarray, Z: np.ndarray | None, trace: bool) -> np.ndarray:
        step, symmetric = self._block(X), Z is None
        Z = X if Z is None else Z
        rows: list[np.ndarray] = []
        for i in range(0, len(X), step):
            left = self._rows(X[i : i + step])
            row = []
            for j in range(0, len(Z), step):
                right = left if symmetric and i == j else self._rows(Z[j : j + step])
                row.append(sum(_product(a, b, trace) for a, b in zip(left, right, strict=True)))
            rows.append(np.concatenate(row, axis=1))
        matrix = np.concatenate(rows)
        if trace and symmetric:
            matrix = np.tril(matrix) + np.tril(matrix, -1).T
        return matrix

    def _rows(self, X: np.ndarray) -> list[np.ndarray]:
        """For each array of parameters, the derivatives (n, k, size)."""
        import torch  # pyright: ignore[reportMissingImports]

        weights = {name: one.detach() for name, one in self.module.named_parameters() if one.requires_grad}
        rest = {name: one.detach() for name, one in self.module.named_parameters() if not one.requires_grad}
        rest |= dict(self.module.named_buffers())
        dtype = next(iter(weights.values())).dtype

        def single(p: dict[str, Any], x: Any) -> Any:
            return torch.func.functional_call(self.module, (p, rest), (x[None],)).reshape(-1)

        jacobians = torch.func.vmap(torch.func.jacrev(single), in_dims=(None, 0))
        found = jacobians(weights, torch.as_tensor(np.ascontiguousarray(X)).to(dtype))
        return [one.reshape(*one.shape[:2], -1).numpy() for one in found.values()]

    def _block(self, X: np.ndarray) -> int:
        if self.block is not None:
            return positive_integer(self.block, "block")
        import torch  # pyright: ignore[reportMissingImports]

        with torch.no_grad():
            dtype = next(self.module.parameters()).dtype
            outputs = self.module(torch.as_tensor(np.ascontiguousarray(X[:1])).to(dtype)).numel()
        size = outputs * sum(one.numel() for one in self.module.parameters() if one.requires_grad) * dtype.itemsize
        limit = memory.limit_bytes(self.memory_limit)
        memory.require(2 * size, self.memory_limit, "the derivatives of one input", "use a smaller network")
        return int(max(SHARE * limit / (3 * size), 1))


def _product(a: np.ndarray, b: np.ndarray, trace: bool) -> np.ndarray:
    if trace:
        return a.reshape(len(a), -1) @ b.reshape(len(b), -1).T / a.shape[1]
    return np.einsum("iop,jqp->ijoq", a, b)
