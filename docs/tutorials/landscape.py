# %% [markdown]
# # Copies, dead neurons, and networks in disguise
#
# A trained network has many twins: exchange two neurons of a layer and it computes the same. And it is often larger
# than its function needs: neurons that copy each other, neurons that nobody hears. [Simsek and others
# 2021](https://arxiv.org/abs/2105.12221) work out what this does to the landscape of the loss: how many minima and
# saddles there are, and how they hang together.
#
# We take networks that scikit-learn trained, slim one, and ask of pairs of them whether they are one network in
# disguise.
#
# ## A trained network, read in
#
# Any chain of weight matrices will do; `read_checkpoint` reads files of PyTorch and Flax, `theodolite slim` and
# `theodolite connect` are the commands.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from theodolite.landscape import connect, count_minima, first_width_of_more_minima, mlp, reduce, saddle_ratio

warnings.filterwarnings("ignore", module="sklearn")  # trainings are short
digits = load_digits()
X, y = digits.data / 16, digits.target


def trained(width, activation, seed):
    model = MLPClassifier((width,), activation=activation, max_iter=150, random_state=seed)
    model.fit(X[:1000], y[:1000])
    print(f"{width} {activation} neurons: right on new digits {model.score(X[1000:], y[1000:]):.3f}")
    return mlp([weights.T for weights in model.coefs_], model.intercepts_, activation)


large = trained(64, "relu", seed=0)

# %% [markdown]
# ## What could be left out
#
# `reduce` merges copies and drops neurons that do nothing, and compares the outputs before it believes itself.

# %%
slim = reduce(large, X[:1000])
layer = slim.layers[0]
print(f"{layer.width} neurons -> {layer.kept}: {layer.copies} copies, {layer.inactive} never active,", end=" ")
print(f"{layer.constant} constant, {layer.silent} silent")
print(f"largest change of an output, over the largest output: {slim.after:.0e}")
before, after = large(X[1000:]), slim.network(X[1000:])
print(f"on the other 797 digits: {np.abs(after - before).max() / np.abs(before).max():.0e}", end=", ")
print(f"{np.sum(after.argmax(1) != before.argmax(1))} answers differ")

# %% [markdown]
# About one neuron in seven is dead: training pushed it where no digit reaches it. Leaving them out changes nothing on
# the rows that were shown, and very little on others, where one of them still stirs.
#
# ## One network in disguise
#
# A colleague hands you weights that look nothing like yours. They are yours, in another order. `connect` finds the
# order, and walks from one to the other in straight segments along which the function does not change, with one spare
# neuron in the layer.

# %%
mine, another = trained(16, "tanh", seed=0), trained(16, "tanh", seed=1)
disguised = mine.permuted([np.random.default_rng(0).permutation(16)])


def error(outputs):
    outputs = outputs - outputs.max(1, keepdims=True)
    return -np.mean(outputs[np.arange(1000), y[:1000]] - np.log(np.exp(outputs).sum(1)))


same = connect(mine, disguised, X[:1000], error)
print(f"in disguise: {same.permutation}, {same.segments} segments, outputs change by {same.deviation:.0e}")
print(f"the straight line between the two crosses a barrier of {same.straight_barrier:.2f}")

other = connect(mine, another, X[:1000], error)
print(f"another training: {other.permutation}, barrier {other.barrier:.2f} after matching,", end=" ")
print(f"{other.straight_barrier:.2f} on the straight line")

plt.plot(same.way, same.loss, label="in disguise: path of symmetries")
plt.plot(same.straight_position, same.straight_loss, "--", label="in disguise: straight line")
plt.plot(other.way, other.loss, label="another training: neurons matched, then straight")
plt.ylim(0, 0.95)
plt.title("The loss between two networks")
plt.xlabel("share of the way")
plt.ylabel("cross-entropy")
plt.legend(loc="upper left")

# %% [markdown]
# The green line is flat on its first half, where neurons only change places, and what rises on the second half is
# what no exchange of neurons can take away: the two trainings found different functions, or different ways to write
# one.
#
# ## Why width helps
#
# Each critical point of a small network is there in a larger one in many copies, the minima too. Counting them says
# who wins: for a task that needs four neurons, saddles over pieces of the set of minima.

# %%
for width in (4, 5, 6, 8, 12):
    ratio = float(saddle_ratio(4, width))
    print(f"{width:2d} neurons: {count_minima(4, width):>12,} pieces of minima, {ratio:.3f} saddles for each")
print("minima win from width", [first_width_of_more_minima(r) for r in (4, 10, 30)], "for tasks of 4, 10, 30 neurons")

# %% [markdown]
# ## What to conclude
#
# - Before you compare two networks weight by weight, match them. Before you average two, look at the barrier.
# - Exact copies and dead neurons can be taken out with a certificate; the certificate is for the rows you show. A
#   trained network seldom has exact copies; `tolerance=0.05` finds nearly equal ones and refits.
# - The counts are of critical subspaces, one for each critical point of the small network, not of their basins: they
#   make plausible that slightly too wide networks are the hard ones, they do not prove it for yours.
#
# Where to go on: [landscape](../api/landscape.md), copies and paths in the [guide](../guide_networks.md), the claims
# of the paper [measured again](../measured/landscape.md).
