# %% [markdown]
# # Forecast a training before it runs
#
# What will a network learn first, how long will it take, and does it matter which random weights it started from?
# [Jacot, Gabriel and Hongler 2018](https://arxiv.org/abs/1806.07572) found that the outputs of a wide network follow
# a linear equation whose matrix, the neural tangent kernel, can be computed at the start.
#
# We write a small network in plain JAX, compute its tangent kernel, forecast its training, and then train it.
#
# ## A network of your own
#
# Any function `f(params, X)` of a tree of arrays will do. The task: tell the fours from the nines among
# scikit-learn's handwritten digits.

# %%
import itertools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from theodolite.architectures import Dense, Relu
from theodolite.finite_width import tangent_kernel
from theodolite.infinite_width import nngp, ntk
from theodolite.training_dynamics import (
    initialisation_law,
    kernel_components,
    kernel_flow,
    kernel_flow_from_gram,
)

digits = load_digits()
rows = np.isin(digits.target, [4, 9])
images = digits.data[rows] - digits.data[rows].mean(0)
images /= np.sqrt(np.mean(images**2))
labels = np.where(digits.target[rows] == 4, 1.0, -1.0)
X, y, Z, z = images[:100], labels[:100], images[100:], labels[100:]


def start(key, width):
    sizes = [X.shape[1], width, width, 1]
    keys = jax.random.split(key, 3)
    return [jax.random.normal(k, s) for k, s in zip(keys, itertools.pairwise(sizes))]


def f(params, x):
    for weight in params[:-1]:
        x = jax.nn.relu(x @ weight * (2 / len(weight)) ** 0.5)
    return (x @ params[-1] / len(params[-1]) ** 0.5)[:, 0]


wide = start(jax.random.key(0), 256)
print(f"{len(X)} images to train on, {sum(w.size for w in wide)} weights")

# %% [markdown]
# ## The forecast
#
# `tangent_kernel` gives the matrix: how much a small step on image j moves the output on image i.
# `kernel_flow_from_gram` solves the training from it in closed form, and `in_steps` takes the flow in steps of
# gradient descent.

# %%
matrix = tangent_kernel(f, wide, X)
flow = kernel_flow_from_gram(matrix, y, initial=f(wide, X))
print(f"largest stable learning rate: {flow.max_learning_rate:.2f}")

rate = 0.2
steps = np.array([0, 1, 3, 10, 30, 100, 300])
forecast = flow.in_steps(rate).cost(steps)
print("steps   ", *[f"{k:7d}" for k in steps])
print("forecast", *[f"{cost:7.4f}" for cost in forecast])

# %% [markdown]
# ## The training itself


# %%
@jax.jit
def step(params):
    gradient = jax.grad(lambda p: 0.5 * jnp.mean((f(p, X) - y) ** 2))(params)
    return jax.tree.map(lambda p, g: p - rate * g, params, gradient)


def trained(params):
    costs = []
    for k in range(steps[-1] + 1):
        if k in steps:
            costs.append(float(0.5 * jnp.mean((f(params, X) - y) ** 2)))
        params = step(params)
    return params, costs


end, costs = trained(wide)
print("trained ", *[f"{cost:7.4f}" for cost in costs])

plt.loglog(1 + steps, forecast, label="forecast from the tangent kernel at the start")
plt.loglog(1 + steps, costs, "o", label="training, 256 neurons a layer")
plt.title("Forecast and training")
plt.xlabel("1 + steps")
plt.ylabel("cost")
plt.legend()

# %% [markdown]
# The forecast needed no training, and it is close but not exact: the kernel of 256 neurons moves a little. How much,
# and how much for a narrow network?

# %%
narrow = start(jax.random.key(0), 16)
for width, before, after in ((16, narrow, trained(narrow)[0]), (256, wide, end)):
    first, last = tangent_kernel(f, before, X), tangent_kernel(f, after, X)
    change = np.linalg.norm(last - first) / np.linalg.norm(first)
    print(f"width {width:3d}: the kernel moved by {100 * change:.0f} %")

# %% [markdown]
# ## What is learned first
#
# In the limit of infinite width the kernel depends on the architecture alone. Here is the same network as a sentence,
# with all widths infinite, and the components of the data that it learns, the fastest first.

# %%
hidden = Dense(weight_std=2**0.5) >> Relu()
limit = ntk(hidden >> hidden >> Dense())
apart = np.linalg.norm(matrix - limit(X)) / np.linalg.norm(limit(X))
print(f"the kernel of 256 neurons is {100 * apart:.0f} % away from the limit")

ideal = kernel_flow(limit, X, y)
parts = kernel_components(ideal, count=60)
share = parts.coefficients(y) ** 2 / np.mean(y**2)
for i in (0, 1, 2, 9, 59):
    print(f"component {i + 1:2d}: halves every {parts.half_lives[i] / rate:6.1f} steps")
fast = parts.half_lives / rate < 30
print(f"{fast.sum()} components halve within 30 steps; they hold {100 * share[fast].sum():.0f} % of the labels")

# %% [markdown]
# Most of what there is to learn lies along components that are learned in no time; the rest, where noise lives, takes
# a hundred times longer. This is why stopping early works.


# %% [markdown]
# ## Does the luck of the start matter?
#
# A network is born as a random function, and training moves it only where data push. `initialisation_law` knows the
# mean and the spread over all starts without training any. We check with eight networks.

# %%
law = initialisation_law(ideal, nngp(hidden >> hidden >> Dense()))
predicted = np.sqrt(np.mean(law.standard_deviation(Z, rate * 300) ** 2))

eight = jax.vmap(lambda key: start(key, 64))(jax.random.split(jax.random.key(1), 8))
all_step = jax.jit(jax.vmap(step))
for _ in range(300):
    eight = all_step(eight)
outputs = np.asarray(jax.vmap(f, in_axes=(0, None))(eight, Z))
print(
    f"spread of the outputs over starts: predicted {predicted:.2f}, eight networks {outputs.std(0, ddof=1).mean():.2f}"
)

right = np.mean(np.sign(outputs) == z, axis=1)
print(f"right on new images, one by one: {right.min():.3f} to {right.max():.3f}, mean {right.mean():.3f}")
print(f"the average of the eight:        {np.mean(np.sign(outputs.mean(0)) == z):.3f}")
print(f"the mean that theory predicts:   {np.mean(np.sign(law.mean(Z, rate * 300)) == z):.3f}")

# %% [markdown]
# ## What to conclude
#
# - Before a training you can know how fast each part of the target will be learned and which learning rate is stable.
# - The forecast is exact at infinite width, with small steps, and worse the narrower the network: look at how far the
#   kernel moves.
# - Part of a network's errors is the luck of its start. Averaging a few networks takes it away.
# - A kernel that hardly moves means the network learns no features of its own. Whether that is good for your task is
#   another question; often networks whose kernel moves do better.
#
# Where to go on: [training_dynamics](../api/training_dynamics.md), [finite_width](../api/finite_width.md) (Flax,
# Equinox and PyTorch networks too), the claims of the paper [measured again](../measured/ntk.md).
