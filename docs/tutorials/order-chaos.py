# %% [markdown]
# # Why a deep network does not train
#
# You stack twenty layers and the loss does not move. Is it the learning rate, a bug, or the network itself? [Jacot,
# Gabriel, Ged and Hongler 2019](https://arxiv.org/abs/1907.05715) show that one number, computed from the activation
# and the scale of the weights, says whether depth makes all inputs alike (*order*), all different (*chaos*), or keeps
# them apart just enough (*the edge*).
#
# We read that number off four ways to set up the same network, and then train all four.
#
# ## Four ways to start
#
# An architecture is written as a sentence; `weight` is the standard deviation of a weight times the root of its
# fan-in. A linear layer of PyTorch starts with 1/√3 and small biases unless told otherwise; He's initialisation has
# √2; LayerNorm after each activation acts like the normalised activation. The fourth is a cure that `phase` proposes
# for the third: biases of size `beta`, and weights of size √(1 - beta²).

# %%
import textwrap

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from theodolite.architectures import parse
from theodolite.infinite_width import phase

sentences = {
    "default": "relu*20 weight=0.5774 bias=0.072",
    "He": "relu*20 weight=1.41421 bias=0",
    "LayerNorm": "relu.normalised*20 bias=0",
    "LayerNorm and biases": "relu.normalised*20 beta=0.5641896",
}
for name, sentence in sentences.items():
    found = phase(parse(sentence))
    print(f"{name:20} r = {found.characteristic:.3f}: {found.verdict}")

# %% [markdown]
# `r` is what one layer does to a small difference between two inputs, squared: below 1 differences shrink, above 1
# they grow. Twenty layers raise it to the twentieth power. The command says the same, with the advice that
# `phase(...).advice` holds: `theodolite phase "relu*20 weight=0.5774 bias=0.072"`.

# %%
for sentence in phase(parse(sentences["default"])).advice[:2]:
    print(textwrap.fill(sentence, 86))

# %% [markdown]
# ## What depth does to the kernel
#
# The tangent kernel of two inputs, over that of one input with itself, says how much learning one teaches about the
# other. 1 means that they cannot be told apart, 0 that nothing is shared.

# %%
for name, sentence in sentences.items():
    found = phase(parse(sentence))
    at_60 = found.by_depth[found.shown_angles.index(60.0)]
    plt.plot(range(1, len(at_60) + 1), at_60, label=f"{name}: {found.verdict}")
plt.xticks(range(0, 21, 5))
plt.ylim(0, 1.05)
plt.title("What one input teaches about another, 60 degrees apart")
plt.xlabel("layers")
plt.ylabel("normalised tangent kernel")
plt.legend()

# %% [markdown]
# ## A network of our own
#
# Twenty hidden layers of 64 neurons in plain JAX, on handwritten fours and nines. All start from the same random
# numbers; only their scale and the normalisation differ. The gradient is scaled by the size of the kernel, so that
# none of them suffers from a bad learning rate.

# %%
digits = load_digits()
rows = np.isin(digits.target, [4, 9])
images = digits.data[rows] - digits.data[rows].mean(0)
images *= np.sqrt(images.shape[1]) / np.linalg.norm(images, axis=1, keepdims=True)
labels = np.where(digits.target[rows] == 4, 1.0, -1.0)
X, y, Z, z = images[:100], labels[:100], images[100:], labels[100:]


def f(params, x, scale, bias, layer_norm):
    def layer(x, parts):
        weight, shift = parts
        x = jax.nn.relu(scale * x @ weight / 8 + bias * shift)
        normalised = (x - x.mean(1, keepdims=True)) / (x.std(1, keepdims=True) + 1e-6)
        return jnp.where(layer_norm, normalised, x), None

    x, _ = jax.lax.scan(layer, x, params["layers"])
    return (x @ params["last"])[:, 0] / 8


keys = jax.random.split(jax.random.key(0), 3)
normal = jax.random.normal
params = {
    "layers": (normal(keys[0], (20, 64, 64)), normal(keys[1], (20, 64))),
    "last": normal(keys[2], (64, 1)),
}
settings = {
    "default": (0.5774, 0.072, False),
    "He": (1.41421, 0.0, False),
    "LayerNorm": (1.0, 0.0, True),
    "LayerNorm and biases": (0.8256452, 0.5641896, True),
}


@jax.jit
def train(params, setting):
    def cost(p):
        return 0.5 * jnp.mean((f(p, X, *setting) - y) ** 2)

    jacobian = jax.grad(lambda p: jnp.mean(f(p, X, *setting)))(params)
    size = sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(jacobian))

    def step(p, _):
        value, gradient = jax.value_and_grad(cost)(p)
        return jax.tree.map(lambda a, g: a - 0.2 / size * g, p, gradient), value

    return jax.lax.scan(step, params, None, length=300)


for name, setting in settings.items():
    end, costs = train(params, setting)
    right = np.mean(np.sign(f(end, Z, *setting)) == z)
    print(f"{name:20} cost {costs[0]:.3f} -> {costs[-1]:.4f}, right on new images {right:.3f}")

# %% [markdown]
# Three different endings. In order nothing moves: the outputs of all images are one number, and a constant is all
# that can be learned. In chaos the training error falls as fast as anywhere, and new images are answered by tossing a
# coin: every image is far from every other. At the edge, reached from either side, the network learns.
#
# ## What to conclude
#
# - Before you blame the optimiser, ask `theodolite phase`. It takes two seconds and no data.
# - The deeper the network, the nearer to 1 must r be: over L layers a squared difference is multiplied by about r to
#   the power L. A few layers forgive everything.
# - It speaks of the start of wide networks. Residual connections and Adam soften what is shown here, and a network in
#   training may leave the phase it started in.
#
# Where to go on: [infinite_width](../api/infinite_width.md); checkerboards in generated images, which have the same
# cause, in the [guide](../guide_networks.md); the claims of the paper [measured again](../measured/order_chaos.md).
