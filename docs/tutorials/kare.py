# %% [markdown]
# # Predict the risk before the test
#
# How large will the error on new data be, and can the training data alone tell? For kernel ridge regression they can:
# one formula, the kernel alignment risk estimator (KARE), gives the error on new rows at every ridge, without a
# validation split.
#
# We take 250 patients of scikit-learn's diabetes table, predict the error from them, and only then look at the other
# 192. The paper is [Jacot et al. 2020](https://arxiv.org/abs/2006.09796).

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from theodolite.kernel_regression import RidgePath, learning_curve, trust
from theodolite.kernels import RBF, LaplaceL1, Linear, gram

X, y = load_diabetes(return_X_y=True)
order = np.random.default_rng(0).permutation(len(X))
X = (X / X.std(0))[order]
train, test = slice(0, 250), slice(250, None)
centre = y[order][train].mean()
targets, held_out = y[order][train] - centre, y[order][test] - centre
print(f"a constant would err by {np.mean(held_out**2):.0f} (squared points of the disease score)")

# %% [markdown]
# ## One factorisation, every ridge
#
# A `RidgePath` takes the Gram matrix apart once. After that every ridge costs next to nothing: KARE, the exact
# leave-one-out error, and the larger of the two, which the library calls `risk` and minimises. The ridge is the
# number λ in `gram / n + λ I`.

# %%
kernel = RBF(40.0)
matrix = gram(kernel, X[train])
path = RidgePath(matrix, targets)
ridge = path.best_ridge()
print(f"best ridge {ridge:.4f}")
print(f"KARE {path.kare(ridge):.0f}, leave-one-out {path.leave_one_out(ridge):.0f}")
print(f"predicted risk {path.risk(ridge):.0f} +- {path.standard_error(ridge):.0f}")

# %% [markdown]
# So far the 192 held-out patients were not touched. Now they are: at every ridge of the path, the prediction beside
# what comes out.

# %%
ridges = np.geomspace(1e-6, 1.0, 30)
cross = gram(kernel, X[test], X[train])
measured = [np.mean((cross @ path.dual(value)[:, 0] - held_out) ** 2) for value in ridges]

plt.loglog(ridges, path.kare(ridges), label="KARE, from 250 training rows")
plt.loglog(ridges, path.training_error(ridges), label="training error, for contrast")
plt.loglog(ridges, measured, "o", markersize=4, label="measured on 192 held-out rows")
plt.axvline(ridge, color="grey", linewidth=1)
plt.ylim(300, 30_000)
plt.title("Predicted and measured error over the ridge")
plt.xlabel("ridge")
plt.ylabel("squared error")
plt.legend()
at_best = np.interp(np.log(ridge), np.log(ridges), measured)
print(f"measured at the chosen ridge: {at_best:.0f}")

# %% [markdown]
# The training error keeps falling to the left, where the real error rises again; KARE sees the valley and both of its
# sides. The grey line is the ridge that was chosen without a test row.
#
# ## Choosing a kernel the same way
#
# Because the number is an error in the units of the target, it also compares different kernels, each at its own best
# ridge.

# %%
for candidate in (Linear(), RBF(10.0), RBF(40.0), RBF(160.0), LaplaceL1(20.0)):
    own = RidgePath(gram(candidate, X[train]), targets)
    best = own.best_ridge()
    print(f"{candidate!s:32} risk {own.risk(best):5.0f} +- {own.standard_error(best):.0f}")

# %% [markdown]
# Hardly any difference, compared with the error bar: this table is nearly linear, and no choice among these kernels
# matters. That too is an answer.
#
# ## Would more patients help?
#
# The same path knows how many eigenfunctions of the kernel are learned at each ridge, and so what other training
# sizes would bring.

# %%
curve = learning_curve(path, [100, 250, 500, 1000])
for size, risk, low, high in zip(curve.sizes, curve.risk, curve.low, curve.high):
    print(f"{size:5.0f} patients: {risk:.0f}  ({low:.0f} to {high:.0f})")

# %% [markdown]
# Four times the patients would take a few percent off. The rest is in what these ten columns do not say.
#
# ## When not to believe it
#
# The estimate asks: how well is a new row *like these* predicted? If rows are copies of each other the question is
# too easy. Let every row appear twice, the second time with a little noise on the inputs, as when patients were
# measured twice: the formula is fooled, and `trust` notices.

# %%
rng = np.random.default_rng(1)
twins = np.concatenate([X[train], X[train] + 0.01 * rng.standard_normal(X[train].shape)])
fooled_matrix = gram(RBF(5.0), twins)
fooled = RidgePath(fooled_matrix, np.concatenate([targets, targets]))
best = fooled.best_ridge()
verdict = trust(fooled, best, fooled_matrix)
print(f"predicted {fooled.risk(best):.0f}: {verdict.verdict}")
print(verdict.reasons[0])
print("and on the table itself:", trust(path, ridge, matrix).verdict)

# %% [markdown]
# ## What to conclude
#
# - For kernel machines on independent rows no validation split is needed to choose kernel and ridge, nor to say how
#   well the result will do.
# - The number has an error bar; on 250 rows it is 12 % wide, so no third digit of it means anything.
# - It says nothing about rows from elsewhere: another hospital, next year. Nor does it speak of other models than
#   kernel machines.
#
# Where to go on: `theodolite survey` does all of this for a table ([guide](../guide_survey.md)); every function is in
# [kernel_regression](../api/kernel_regression.md); the claims of the paper are [measured again](../measured/kare.md).
