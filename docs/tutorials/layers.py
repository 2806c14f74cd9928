# %% [markdown]
# # Which layer learns the fine detail?
#
# A network learns the broad outline of a target first and its fine detail later. Do all layers share that work, or is
# each better at something? [Dandi and Jacot 2021](https://arxiv.org/abs/2111.03972) split the tangent kernel into the
# parts of the layers and find a division of labour: the last layer brings in the broad outline, the first the fine
# detail.
#
# We read the division off an architecture, and then keep the books of a real training, layer by layer.
#
# ## What theory expects
#
# Think of measurements all over a globe. Any map of the globe is a sum of spherical harmonics: degree 0 is a
# constant, degree 1 north against south, high degrees are fine patterns. For each degree, `layer_spectra` says which
# share of the error each layer removes.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from theodolite.architectures import Dense, Relu
from theodolite.infinite_width import gram_layer_share, layer_spectra
from theodolite.training_dynamics import LayerAttribution

relu = Relu().standardised()
net = Dense() >> relu >> Dense() >> relu >> Dense() >> relu >> Dense()
theory = layer_spectra(net, dimension=3, degrees=9)

names = ["first", "second", "third", "last"]
for name, share in zip(names, theory.share):
    plt.plot(share, "o-", label=f"{name} layer")
plt.title("Share of the error that each layer removes")
plt.xlabel("degree: from broad outline to fine detail")
plt.ylabel("share")
plt.legend(ncols=2)
print("degree 1:", *[f"{name} {share:.2f}" for name, share in zip(names, theory.share[:, 1])])
print("degree 4:", *[f"{name} {share:.2f}" for name, share in zip(names, theory.share[:, 4])])

# %% [markdown]
# ## A network of our own, with books
#
# 300 places on the globe, and a quantity that has a broad part (north against south) and a fine one (four warm and
# four cold regions around the equator). The network is plain JAX, the training plain gradient descent.

# %%
rng = np.random.default_rng(0)
X = rng.standard_normal((300, 3))
X /= np.linalg.norm(X, axis=1, keepdims=True)
broad = X[:, 2]
fine = np.real((X[:, 0] + 1j * X[:, 1]) ** 4)
parts = np.stack([broad / broad.std(), fine / fine.std()])
y = parts.sum(0)


def f(params, x):
    for name in names[:-1]:
        x = jax.nn.relu(x @ params[name]) * (2 / params[name].shape[1]) ** 0.5
    return (x @ params["last"])[:, 0]


sizes = [3, 200, 200, 200, 1]
keys = jax.random.split(jax.random.key(0), 4)
params = {n: jax.random.normal(k, (a, b)) for n, k, a, b in zip(names, keys, sizes, sizes[1:])}


def errors(params):
    """What is left of the broad and of the fine part: the squared error along each."""
    return (parts @ (f(params, X) - y) / len(y)) ** 2 / 2


@jax.jit
def ten_steps(params):
    def step(p, _):
        gradient = jax.grad(lambda q: 0.5 * jnp.mean((f(q, X) - y) ** 2))(p)
        return jax.tree.map(lambda a, g: a - 0.2 * g, p, gradient), None

    return jax.lax.scan(step, params, None, length=10)[0]


book = LayerAttribution(errors, params)
print("error, broad and fine: {:.3f} {:.3f}".format(*errors(params)))
for _ in range(60):
    params = ten_steps(params)
    book.update(params)
print("after 600 steps:       {:.3f} {:.3f}".format(*errors(params)))

# %% [markdown]
# `LayerAttribution` is told where the parameters are, after every step or every few, and books every decrease of a
# loss (here of two) on the layers that brought it about. The books close: the parts add up to the whole.

# %%
table = np.array([book.contributions[name] for name in names])
print(f"books closed to {np.abs(book.closure_error).max():.4f}")
print("            broad          fine")
for name, own, expected in zip(names, table / table.sum(0), theory.share[:, [1, 4]]):
    print(f"{name:8} {own[0]:.2f} ({expected[0]:.2f})   {own[1]:.2f} ({expected[1]:.2f})")

# %% [markdown]
# In brackets what theory said before the training began, for layers of infinite width; these have 200 neurons.
#
# ## On data of your own
#
# Images do not lie evenly on a sphere, so "degree" has no clean meaning there. The eigenvectors of the tangent kernel
# on your rows take its place: the leading ones are broad, the trailing ones fine.

# %%
digits = load_digits().data[:400]
digits = digits - digits.mean(0)
digits *= np.sqrt(64) / np.linalg.norm(digits, axis=1, keepdims=True)
shares = gram_layer_share(net, digits).binned((0, 5, 50, 200, 400))
print("eigenvectors     1-5   6-50  51-200  201-400")
for name, row in zip(names, shares):
    print(f"{name:12}", *[f"{value:7.2f}" for value in row])

# %% [markdown]
# ## What to conclude
#
# - In a wide network early layers work on fine detail and the last layer on the outline. If detail is what your task
#   lacks, frozen early layers or small learning rates there cost you more than frozen late ones.
# - The books of `LayerAttribution` need no theory: they close for any network, optimiser and loss, up to the square
#   of the step.
# - The shares are those of the kernel regime. Compare with the books: where they part, your network learns features
#   and the shares above do not apply.
#
# Where to go on: learning rates by layer in the [guide](../guide_networks.md),
# [infinite_width](../api/infinite_width.md) and [training_dynamics](../api/training_dynamics.md), the claims of the
# paper [measured again](../measured/layers.md).
