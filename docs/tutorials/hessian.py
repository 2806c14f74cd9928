# %% [markdown]
# # How curved is my loss, and what step does it allow?
#
# The Hessian of a loss says how large a learning rate is stable, which directions are stiff, and whether a cheap
# approximation (Gauss-Newton, the matrix behind natural gradients and K-FAC) may stand in for it. [Jacot, Gabriel and
# Hongler 2020](https://arxiv.org/abs/1910.02875) describe it for wide networks: Gauss-Newton `I`, which the tangent
# kernel knows, plus a residual `S` that lives on other directions and fades as the data are fitted.
#
# We measure all of this on a network of our own, before and after training.
#
# ## A network and a loss
#
# Any `f(params, X)` with any tree of arrays: here two hidden layers for the 150 irises of scikit-learn. Flax, Equinox
# and PyTorch work the same way ([guide](../guide_networks.md)).

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris

from theodolite import curvature

X, species = load_iris(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
Y = np.eye(3)[species]


def f(params, x):
    for layer in ("first", "second"):
        x = jnp.tanh(x @ params[layer]["weight"] + params[layer]["bias"])
    return x @ params["last"]["weight"]


keys = jax.random.split(jax.random.key(0), 3)
start = {
    "first": {"weight": jax.random.normal(keys[0], (4, 16)) / 2, "bias": jnp.zeros(16)},
    "second": {"weight": jax.random.normal(keys[1], (16, 16)) / 4, "bias": jnp.zeros(16)},
    "last": {"weight": jax.random.normal(keys[2], (16, 3)) / 4},
}

# %% [markdown]
# ## The report
#
# One call measures the Hessian `H = I + S` and its two parts. `print(report)` is a page of numbers, each with its
# error; we pick a few. (`theodolite curvature my_model.py:factory` does the same from the command line, with
# figures.)


# %%
def told(report):
    largest, residual = report.top["hessian"].values, report.top["residual"].values
    print(f"{report.parameters} parameters, loss {report.value:.4f}")
    print(f"eigenvalues of H from {largest.min():.3f} to {largest.max():.3f}")
    print(f"|S| {abs(residual).max():.3f}, cosine of I and S {report.cosine.value:.2f}")
    print(f"largest stable learning rate {report.learning_rate.value:.2f}")
    print(f"Gauss-Newton: {report.verdict}")


told(curvature.report(f, start, (X, Y), "cross_entropy"))

# %% [markdown]
# At the start the residual is as large as the Hessian itself, which has directions that lead down: whoever replaces
# it by Gauss-Newton sees another landscape.
#
# ## After training


# %%
def cost(params):
    return -jnp.mean(jnp.sum(Y * jax.nn.log_softmax(f(params, X)), axis=1))


@jax.jit
def descend(params, rate):
    def step(params, _):
        value, gradient = jax.value_and_grad(cost)(params)
        return jax.tree.map(lambda p, g: p - rate * g, params, gradient), value

    return jax.lax.scan(step, params, None, length=2000)


end, path = descend(start, 0.1)
report = curvature.report(f, end, (X, Y), "cross_entropy")
told(report)

# %%
own = curvature.problem("cross_entropy", f, end, (X, Y))
parts = {"H": curvature.hessian(own), "Gauss-Newton I": curvature.gauss_newton(own)}
for (name, operator), marker in zip(parts.items(), "o+"):
    values = np.linalg.eigvalsh(operator.dense())[::-1]
    plt.plot(np.arange(1, 31), values[:30], marker, markersize=5, label=name)
plt.title("The thirty largest eigenvalues after training")
plt.xlabel("number")
plt.ylabel("eigenvalue")
plt.legend()

# %% [markdown]
# Now the residual is a fortieth of the largest eigenvalue, the two spectra agree where it matters, and Gauss-Newton
# is safe. There are a few stiff directions, and hundreds that hardly count: moving along those changes nothing.
#
# (The paper says that `I` and `S` are orthogonal in the limit of wide layers. A cosine of 0.5 says that sixteen
# neurons are not wide.)
#
# ## Is the learning rate right?
#
# "Largest stable" is 2 over the largest eigenvalue. We go on from the trained network with a little less and with
# more.

# %%
limit = report.learning_rate.value
for share in (0.9, 1.1, 1.5):
    _, costs = descend(end, share * limit)
    rises = "rises first" if costs.max() > 1.5 * costs[0] else "only falls"
    print(f"{share:.1f} x the limit, rate {share * limit:.2f}: the loss {rises}")
    plt.semilogy(costs[:100], label=f"{share:.1f} x the limit")
plt.title("From the same point with three learning rates")
plt.xlabel("steps")
plt.ylabel("loss")
plt.legend()

# %% [markdown]
# Just above the limit the loss rises, as it must along the stiffest direction, and then the network finds a flatter
# place where the larger rate is stable. This is why a training at too large a rate often recovers, and why the limit
# is that of one point, not of the whole training.
#
# ## What to conclude
#
# - The stable learning rate, the stiff directions and the share of each layer can be measured at any point of a
#   training, for a few hundred gradient-sized products.
# - Gauss-Newton is no good guide at the start and a good one near a fit. The report says which case you have; where
#   the line is drawn (a tenth) is our choice.
# - A Hessian belongs to a fixed function: switch dropout off and batch statistics to evaluation first.
#
# Where to go on: [curvature](../api/curvature.md), with forecasts of the moments through training for wide networks;
# the claims of the paper [measured again](../measured/hessian.md).
