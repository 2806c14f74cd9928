"""Products and their gradients are those of sums over indices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite.language_arrow.products import times, times_transposed

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("shape", [(7, 3, 5), (7, 5, 3), (2, 4, 3, 5)], ids=["wide", "tall", "stack"])
def test_gradients_are_those_of_the_sums(shape: tuple[int, ...]) -> None:
    *batch, n, m, p = (*shape[:-3], *shape[-3:])
    random = np.random.default_rng(0)
    x, w, slope = (random.standard_normal((*batch, *two)) for two in ((n, m), (m, p), (n, p)))
    for product, turn in ((times, False), (times_transposed, True)):
        given = np.swapaxes(w, -1, -2) if turn else w
        found, back = jax.vjp(jax.jit(product), jnp.asarray(x, jnp.float32), jnp.asarray(given, jnp.float32))
        of_x, of_w = back(jnp.asarray(slope, jnp.float32))
        np.testing.assert_allclose(found, np.einsum("...nm,...mp->...np", x, w), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(of_x, np.einsum("...np,...mp->...nm", slope, w), rtol=1e-4, atol=1e-5)
        order = "pm" if turn else "mp"
        np.testing.assert_allclose(of_w, np.einsum(f"...nm,...np->...{order}", x, slope), rtol=1e-4, atol=1e-5)
