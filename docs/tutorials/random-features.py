# %% [markdown]
# # How many random features, and which ridge?
#
# A kernel machine on n rows needs an n × n matrix. Random features need n × P: they replace the kernel by the inner
# product of P random functions of the input, and for large tables that is the only way. But how large must P be, and
# is the ridge of the kernel machine still the right one?
#
# [Jacot, Simsek, Spadaro, Hongler and Gabriel 2020](https://arxiv.org/abs/2002.08404) answer both: on average, P
# features at a ridge act as the kernel at a *larger* ridge, and how fast that ridge moves tells how much a single
# draw of features can be off.
#
# ## A table and its kernel

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from theodolite.kernel_regression import RidgePath
from theodolite.kernels import RBF, gram
from theodolite.random_features import (
    FourierFeatures,
    RandomFeatureRidge,
    effective_ridge,
    features_needed,
    ridge_for,
    risk_curve,
)

digits = load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits.target))
X = (digits.data[order] - digits.data.mean(0)) / 16
y = np.where(digits.target[order] % 2 == 0, 1.0, -1.0)  # even or odd,
y[rng.choice(len(y), len(y) // 20, replace=False)] *= -1  # and one label in twenty wrong
train, test = slice(0, 300), slice(300, None)

kernel = RBF(8.0)
matrix = gram(kernel, X[train])
path = RidgePath(matrix, y[train])
best = path.best_ridge()
print(f"the kernel machine: best ridge {best:.1e}, predicted risk {path.risk(best):.3f}")

# %% [markdown]
# ## The ridge that features really have

# %%
eigenvalues = np.linalg.eigvalsh(matrix) / len(matrix)
for P in (200, 300, 1000, 10_000):
    acts_as = effective_ridge(eigenvalues, best, P)
    give = ridge_for(eigenvalues, best, P)
    print(f"{P:6d} features act at {acts_as:.1e}; to act at {best:.1e} give them {give:.1e}")

# %% [markdown]
# ## Double descent, predicted without drawing a feature
#
# With a tiny ridge the error of a single model rises to a peak where features are as many as rows, and falls again
# beyond. `risk_curve` predicts the whole curve from the training rows alone. Then we draw features and measure on the
# other digits.

# %%
numbers = np.array([20, 50, 100, 200, 250, 300, 350, 400, 600, 1000, 2000])
tiny = 1e-6
curve = risk_curve(matrix, y[train], tiny, numbers)


def measured(P, draws=5):
    risks = []
    for seed in range(draws):
        features = FourierFeatures(kernel).sample(seed, int(P), X.shape[1])
        F, G = features.transform(X[train]), features.transform(X[test])
        dual = np.linalg.solve(F @ F.T + len(F) * tiny * np.eye(len(F)), y[train])
        risks.append(np.mean((G @ (F.T @ dual) - y[test]) ** 2))
    return np.mean(risks)


errors = [measured(P) for P in numbers]
plt.loglog(numbers, curve.risk, label="predicted from 300 training rows")
plt.loglog(numbers, errors, "o", label="measured, mean of 5 draws")
plt.loglog(numbers, curve.average, ":", label="predicted for the average of many draws")
plt.axvline(300, color="grey", linewidth=1)
plt.ylim(0.25, 12)
plt.title("The error over the number of features")
plt.xlabel("features")
plt.ylabel("squared error on new digits")
plt.legend(loc="upper left")
for P in (100, 300, 2000):
    i = list(numbers).index(P)
    print(f"{P:5d} features: predicted {curve.risk[i]:.2f}, measured {errors[i]:.2f}")

# %% [markdown]
# The peak stands where the features are as many as the rows, and its height was known before a feature was drawn.
# (The theory is exact for Gaussian features and good for others: Fourier features are a little worse than predicted
# where they are many.)
#
# ## How many, then?
#
# Enough that the error is within five percent of the kernel machine's, at the ridge that the kernel machine likes.

# %%
for models in (1, 10):
    P = features_needed(matrix, y[train], best, excess=0.05, models=models)
    print(f"average of {models:2d} models: {P} features each")


# %%
def risk(model):
    return np.mean((model.fit(X[train], y[train]).predict(X[test]) - y[test]) ** 2)


machine = gram(kernel, X[test], X[train]) @ path.dual(best)[:, 0]
print(f"the kernel machine: measured {np.mean((machine - y[test]) ** 2):.3f}")

settings = {"kernel": kernel, "features": 200, "standardise": False}
for family in ("fourier", "nystrom"):
    single = RandomFeatureRidge(family=family, **settings)
    print(f"one model of 200 {family} features: measured {risk(single):.3f}, predicted {single.predicted_risk_:.3f}")
ten = RandomFeatureRidge(family="fourier", ensemble=10, ridge=best, **settings)
print(f"ten models of 200 fourier features, ridge corrected: measured {risk(ten):.3f}")

# %% [markdown]
# A single model finds its own ridge, larger than the kernel's, and steers clear of the peak. The average of ten at
# the corrected ridge is nearly the kernel machine. Nystrom features, whose landmarks are training rows, do better
# than Fourier features at equal P; they are the default.
#
# ## What to conclude
#
# - Few features regularise by themselves. If you choose a ridge on the kernel and use it with features, you get too
#   much; `ridge_for` corrects it for averages.
# - A peak of the error near P = n is a matter of a ridge that is too small for a single model, no law of nature:
#   choose the ridge with the features you have.
# - The prediction needs an n × n matrix of *some* rows; a few hundred tell the number of features for a table of
#   millions only if the best ridge there is known too.
#
# Where to go on: tables that outgrow memory in the [guide](../guide.md),
# [random_features](../api/random_features.md), the claims of the paper [measured
# again](../measured/random_features.md).
