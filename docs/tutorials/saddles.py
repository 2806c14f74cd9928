# %% [markdown]
# # My loss stands still: is it done?
#
# Train a matrix as a product of two (an adapter, a factorised layer, an embedding) from small weights, and the loss
# goes down in steps: it rests, jumps, rests again. [Jacot, Ged, Simsek, Hongler and Gabriel
# 2021](https://arxiv.org/abs/2106.15933) explain why: each rest is near a saddle, where the product has found the
# best matrix of some rank, and each jump adds one rank.
#
# We watch a training of our own, predict its jumps before they come, and then use the steps as an algorithm that
# finds the rank of a table with holes.
#
# ## A factorised layer
#
# Twelve outputs depend on twenty inputs through three hidden factors of different strength. We fit the matrix as a
# product `B A` by plain gradient descent from small weights.

# %%
import matplotlib.pyplot as plt
import numpy as np

from theodolite.training_dynamics import saddles

rng = np.random.default_rng(0)
left, right = np.linalg.qr(rng.standard_normal((12, 3)))[0], np.linalg.qr(rng.standard_normal((20, 3)))[0]
truth = left @ np.diag([4.0, 2.0, 1.0]) @ right.T
X = np.linalg.qr(rng.standard_normal((500, 20)))[0] * 500**0.5
Y = X @ truth.T + 0.3 * rng.standard_normal((500, 12))


def loss(product):
    return 0.5 * np.mean(np.sum((X @ product.T - Y) ** 2, axis=1))


def gradient(product):
    return (X @ product.T - Y).T @ X / len(X)


A, B = 1e-5 * rng.standard_normal((5, 20)), 1e-5 * rng.standard_normal((12, 5))
rate = 0.02
monitor = saddles.RankMonitor(learning_rate=rate)
for _ in range(1500):
    G = gradient(B @ A)
    monitor.update([A, B], G, loss=loss(B @ A))
    A, B = A - rate * B.T @ G, B - rate * G @ A.T

readings = monitor.readings
for step in (0, 50, 200, 500, 1000, 1499):
    now = readings[step]
    print(f"step {step:4d}: loss {now.loss:6.3f}, rank {now.rank}, next jump in {now.jump_steps:.0f} steps")

# %% [markdown]
# `RankMonitor` is told the factors and the gradient with respect to their product; it never sees the data. When does
# each rank really come?

# %%
ranks = np.array([reading.rank for reading in readings])
for rank in range(4):
    here = np.flatnonzero(ranks == rank)
    quiet = here[np.argmin([readings[i].gradient_norm for i in here])]
    said = f"a jump at step {quiet + readings[quiet].jump_steps:.0f}"
    came = f"it came at {here[-1] + 1}" if here[-1] < 1499 else "none came"
    print(f"rank {rank}: at step {quiet} the monitor expects {said}; {came}")

plt.plot([reading.loss for reading in readings], label="loss")
for rank in (1, 2, 3):
    plt.axvline(np.argmax(ranks == rank), color="grey", linewidth=1)
plt.title("The loss goes down in steps; grey: the rank grows")
plt.xlabel("steps")
plt.ylabel("loss")

# %% [markdown]
# From step 0 the first jump is known to a few percent, and so is every later one from the quiet place before it.
# After rank 3 the monitor expects nothing for thousands of steps: the three factors are found, and what would come
# next is noise. That is the time to stop.
#
# ## From which scale of weights?
#
# The steps come from small initial weights. From large ones the same layer fits everything at once and prefers no
# rank. Where the border lies can be asked before training.

# %%
print(saddles.initialisation_advice(width=256, depth=2, target_scale=[4.0, 2.0, 1.0], shape=(12, 20)))

# %% [markdown]
# ## The steps as an algorithm
#
# Take the saddles as steps, without waiting on the plateaus: minimise at rank 0, 1, 2, ... and stop when a
# certificate or held-out entries say that no more rank is needed. `LowRankCompletion` fills a table with holes this
# way. Here 60 people answer 20 questions, three hidden traits are behind the answers, and a third of them are
# missing.

# %%
table = rng.standard_normal((60, 3)) @ rng.standard_normal((3, 20))
answers = table + 0.3 * rng.standard_normal(table.shape)
missing = rng.random(table.shape) < 0.3
seen = np.where(missing, np.nan, answers)

model = saddles.LowRankCompletion(splits=1, max_rank=6, standardise=False)
filled = model.fit_transform(seen)
plain = np.broadcast_to(np.nanmean(seen, axis=0), seen.shape)
print(f"rank found: {model.rank_}")
print(f"error on missing answers: {np.sqrt(np.mean((filled - answers)[missing] ** 2)):.2f}", end=", ")
print(f"with column means {np.sqrt(np.mean((plain - answers)[missing] ** 2)):.2f}, noise alone 0.30")

# %% [markdown]
# ## What to conclude
#
# - A loss that stands still with a rank below that of the target is probably near a saddle. The monitor says how long
#   the wait will be; a larger learning rate shortens it in proportion, larger initial weights by a logarithm.
# - Small weights prefer low rank. That is a regulariser you have already chosen, whether you knew it or not.
# - The theory is that of products of matrices under gradient descent with small steps. Nonlinear networks also rest
#   on plateaus, but nobody has shown yet that these are the same; momentum, Adam and weight decay change the times.
#
# Where to go on: adapters and completion in the [guide](../guide_networks.md),
# [training_dynamics](../api/training_dynamics.md), the claims of the paper [measured again](../measured/saddles.md).
