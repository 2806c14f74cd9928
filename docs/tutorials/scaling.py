# %% [markdown]
# # One large network or several small ones?
#
# Larger networks usually err less, but slowly: why? And is one large network the best use of the money? [Geiger and
# others 2019](https://arxiv.org/abs/1901.01608) find that beyond the size at which a network fits its data, most of
# what is left to gain is the luck of the initial weights: it shrinks with size as a power, and an average of several
# networks takes most of it away at once.
#
# We train small networks with scikit-learn and ask what a budget should be spent on.
#
# ## Ten networks of each width
#
# Even digits against odd ones, ten principal components, 150 to train on, one label in ten wrong. An `Ensemble` holds
# what the instruments need of networks that differ in their start alone: outputs on test points, and how many
# training points were not fitted. (`hinge_ensemble` trains ensembles of its own, as the paper does.)

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPRegressor

from theodolite.training_dynamics import (
    Ensemble,
    allocate,
    around_jamming,
    ensemble_error,
    fit_power_law,
    fluctuation,
    options,
    parameters_of,
)

warnings.filterwarnings("ignore", module="sklearn")  # some trainings end by their limit
digits = load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits.target))
labels = np.where(digits.target[order] % 2 == 0, 1.0, -1.0)
inputs = PCA(10, whiten=True, svd_solver="full").fit_transform(digits.data)[order]
X, y, Z, z = inputs[:150], labels[:150].copy(), inputs[150:], labels[150:]
y[rng.choice(150, 15, replace=False)] *= -1


def ensemble(width, members=10):
    outputs, unfitted, steps = [], [], []
    for seed in range(members):
        model = MLPRegressor(
            hidden_layer_sizes=(width, width), solver="lbfgs", alpha=0, max_iter=300, tol=1e-6, random_state=seed
        ).fit(X, y)
        outputs.append(model.predict(Z))
        unfitted.append(np.sum(np.abs(model.predict(X) - y) > 0.1))
        steps.append(model.n_iter_)
    size = parameters_of(width, 2, X.shape[1])
    return Ensemble(width, size, np.array(outputs), np.array(unfitted), np.array(steps))


ensembles = [ensemble(width) for width in (3, 5, 8, 12, 20, 40, 80)]
singles, eights = (np.array([ensemble_error(one.outputs, z, size) for one in ensembles]) for size in (1, 8))
for one, single, eight in zip(ensembles, singles, eights):
    fit = 10 * around_jamming(one, len(X)).fitted
    print(f"width {one.width:2d}, {one.parameters:4d} weights: {fit:2.0f} of 10 fit;", end=" ")
    print(f"error alone {single[0]:.2f}, eight averaged {eight[0]:.2f}")

# %%
sizes = [one.parameters for one in ensembles]
for errors, label in ((singles, "alone"), (eights, "average of eight")):
    plt.errorbar(sizes, errors[:, 0], errors[:, 1], fmt="o-", capsize=3, label=label)
plt.xscale("log")
plt.title("Share of wrong answers on new digits")
plt.xlabel("weights of one network")
plt.ylabel("error")
plt.legend()

# %% [markdown]
# Alone, networks are worst where they only just manage to fit the wrong labels, and improve slowly beyond. The
# average of eight is nearly flat: what single networks still gain by growing, the average has already.
#
# ## The luck of the start, as a power law

# %%
wide = [one for one in ensembles if one.width >= 12]
spread = [fluctuation(one.outputs) for one in wide]
law = fit_power_law([o.parameters for o in wide], [s.norm for s in spread], [s.standard_error for s in spread])
print("spread of the outputs:", *[f"{s.norm:.2f}" for s in spread])
print(f"it falls like N to the power {law.slope:.2f} +- {law.standard_error:.2f}")

# %% [markdown]
# The paper argues for a power of -1/4 in deep networks (-1/2 with one hidden layer). To halve the luck of the start
# by size alone takes sixteen times the weights; an average of four networks does it, too.
#
# ## What to spend a budget on
#
# `options` lists every number of networks of every width with what it costs and the error that was measured;
# `allocate` picks the best that a budget affords, and says what it cannot tell from it.

# %%
choices = options(ensembles, z, sizes=(1, 4, 8))
for budget in (700, 2500, 7500):
    found = allocate(budget, choices)
    alone = min((o for o in choices if o.members == 1 and o.cost <= budget), key=lambda o: o.error)
    print(f"{budget:4d} weights: {found.best.members} networks, error {found.best.error:.2f};", end=" ")
    print(f"one alone {alone.error:.2f},", "as good for all we know" if alone in found.rivals else "told apart")

# %% [markdown]
# ## What to conclude
#
# - Compare one large network with an average of several smaller ones of the same total size before you pay for the
#   large one. Here eight of 620 weights do as well as one of 7280.
# - Do not train right at the size where the data are just fitted, unless you average; with clean labels the bump
#   there is small or absent.
# - All this is about one task on 150 points. The instruments carry error bars over the start so that you can see what
#   your own numbers of networks can decide; "as good for all we know" is a result.
#
# Where to go on: where networks begin to fit, `jamming_width` and `fit_divergence`, in the
# [guide](../guide_networks.md), [training_dynamics](../api/training_dynamics.md), the claims of the paper [measured
# again](../measured/scaling.md).
