"""PyTorch modules: the same weights give the same tangent kernel as in JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite.finite_width import from_torch, tangent_kernel
from theodolite.kernel_regression import RidgePath
from theodolite.kernels import gram
from theodolite.numerics.errors import BadInput, TooLarge

torch = pytest.importorskip("torch")
random = np.random.default_rng(3)


def module_and_function():
    """A module, and the same function of the same weights in JAX."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 7), torch.nn.Tanh(), torch.nn.Dropout(0.5), torch.nn.Linear(7, 2))
    module = module.double()
    params = [jnp.asarray(weight.detach().numpy()) for weight in module.parameters()]

    def f(p, x):
        return jnp.tanh(x @ p[0].T + p[1]) @ p[2].T + p[3]

    return module, f, params


@pytest.mark.oracle
@pytest.mark.usefixtures("double")
def test_the_same_weights_give_the_same_kernel() -> None:
    module, f, params = module_and_function()
    X, Z = random.standard_normal((5, 4)), random.standard_normal((3, 4))
    params = jax.tree.map(jnp.asarray, params)
    for block in (None, 2):
        kernel = from_torch(module, block=block)
        np.testing.assert_allclose(kernel(X, Z), tangent_kernel(f, params, X, Z), rtol=1e-12)
        np.testing.assert_allclose(kernel.full(X, Z), tangent_kernel(f, params, X, Z, outputs="full"), atol=1e-12)
        matrix = gram(kernel, X)
        np.testing.assert_allclose(matrix, tangent_kernel(f, params, X), rtol=1e-12)
        np.testing.assert_allclose(kernel.diagonal(X), matrix.diagonal(), rtol=1e-12)
    assert np.linalg.eigvalsh(matrix).min() > -1e-12
    assert RidgePath(matrix, random.standard_normal(5)).kare(0.1) > 0
    assert module.training  # the module itself is left alone


def test_images_frozen_weights_and_single_precision() -> None:
    module = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(12, 1)
    )
    X = random.standard_normal((4, 2, 4, 4)).astype(np.float32)
    whole = from_torch(module)(X)
    for weight in module[0].parameters():
        weight.requires_grad_(False)
    upper = from_torch(module)(X)
    assert whole.dtype == np.float32
    assert whole.shape == (4, 4)
    assert np.linalg.eigvalsh(whole - upper).min() > -1e-4  # the frozen layer's own term is positive semi-definite


def test_what_is_no_module_is_refused_in_words() -> None:
    with pytest.raises(BadInput, match=r"expected a torch\.nn\.Module"):
        from_torch(lambda x: x)
    with pytest.raises(BadInput, match="no parameters that require a gradient"):
        from_torch(torch.nn.ReLU())
    with pytest.raises(TooLarge, match="derivatives of one input"):
        from_torch(torch.nn.Linear(1000, 1), memory_limit=100)(np.ones((2, 1000)))
    with pytest.raises(BadInput, match="cannot be written"):
        from_torch(torch.nn.Linear(2, 1)).config()
