# %% [markdown]
# # Is a text easier to predict forwards or backwards?
#
# An ideal reader is equally surprised by a text whether it reads forwards or backwards: the probability of a whole
# sentence does not depend on the end one starts from. Yet [Papadopoulos, Wenger and Hongler
# 2024](https://arxiv.org/abs/2401.17505) found that language models do better forwards, by about one percent in
# English. What differs is not what there is to know, but what a learner finds.
#
# We look at three texts whose arrow is known, to learn what the instrument can see, and then ask a practical
# question: in which order should the columns of a table be written for a model that reads left to right?
#
# ## No arrow: any text, counted
#
# Write a text on a circle and count its n-grams. Both directions then cost the same, to round-off, whatever the text.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from theodolite.language_arrow import (
    Size,
    cyclic_losses,
    direction_hint,
    entropy_production,
    measure,
    planted_arrow,
    sample_chain,
)

text = """A theodolite measures angles from where you stand, so that you know the ground before you
build on it. This one measures how models learn."""
forward, backward = cyclic_losses(np.frombuffer(text.encode(), np.uint8), 3)
print(f"nats a letter: forwards {forward:.4f}, backwards {backward:.4f}")

# %% [markdown]
# ## No arrow, though time has one: logs of a machine
#
# A machine is off, warms up, runs, fails, is repaired. Read backwards its log is absurd: it fails before it runs. The
# entropy production says how absurd. But a log that could begin anywhere is as *predictable* backwards as forwards.

# %%
states = ["off", "warm", "run", "fail", "repair"]
machine = np.array(
    [
        [0.7, 0.3, 0.0, 0.0, 0.0],
        [0.05, 0.35, 0.6, 0.0, 0.0],
        [0.1, 0.0, 0.75, 0.15, 0.0],
        [0.0, 0.0, 0.0, 0.3, 0.7],
        [0.5, 0.1, 0.1, 0.0, 0.3],
    ]
)
machine = 0.98 * machine + 0.02 / 5  # a clerk mistypes one entry in fifty
rng = np.random.default_rng(0)
anywhere = sample_chain(machine, 30, 400, rng)


def told(name, found):
    r = found.ratio
    print(f"{name}: r = {100 * r.value:+.2f} % ({100 * r.low:+.2f} to {100 * r.high:+.2f}), {found.verdict}")
    return r


rows = {}
print(f"entropy production {entropy_production(machine):.2f} nats a step")
rows["begun anywhere, counted"] = told("counting pairs", measure(anywhere, model="ngram", order=2, vocabulary=5))

# %% [markdown]
# `r` is the backward loss over the forward loss, minus one, on logs that no model was trained on; the interval is
# that of a paired comparison. An irreversible process need not have an arrow of prediction.
#
# ## An arrow that is known
#
# Now every log begins with the machine switched off. Forwards, a reader that knows the last state knows all there is
# to know. Backwards the same reader should also know how far the beginning is, and does not. `planted_arrow` computes
# what that costs, exactly.

# %%
switched_on = [np.zeros(400, int)]
for _ in range(11):
    ahead = machine.cumsum(1)[switched_on[-1]]
    switched_on.append((rng.random(400)[:, None] > ahead).sum(1))
switched_on = np.stack(switched_on, 1)

expected = planted_arrow(machine, 12)
print(f"theory for pairs: r = {100 * expected:+.2f} %")
rows["begun off, counted"] = told(
    "counting pairs", measure(switched_on, model="ngram", order=2, vocabulary=5, test=0.4)
)

# %% [markdown]
# ## A network instead of counting
#
# A small recurrent network reads more than the last state, so it can know how far the beginning is. Three seeds: what
# one training gives decides nothing, and the library says so.

# %%
found = measure(switched_on, model=Size("gru", 1, 24), context=12, vocabulary=5, seeds=3, steps=150, batch=32, test=0.4)
rows["begun off, GRU"] = told("GRU", found)
print(f"an arrow of {100 * found.minimum_detectable:.1f} % would have been seen")

places = np.arange(len(rows))
values = np.array([100 * row.value for row in rows.values()])
ends = np.array([[100 * (row.value - row.low), 100 * (row.high - row.value)] for row in rows.values()])
plt.errorbar(values, places, xerr=ends.T, fmt="o", capsize=3)
plt.plot([0, 100 * expected], [0, 1], "|", markersize=22, color="grey", label="theory")
plt.yticks(places, rows)
plt.ylim(2.6, -0.6)
plt.title("Backward loss over forward loss, minus one")
plt.xlabel("r (%), with its 95 % interval")
plt.legend()

# %% [markdown]
# ## In which order should columns be written?
#
# The same idea for records that a language model is to read or write from left to right. The order that puts causes
# before effects is not always the easier one.

# %%
towns = {"Bern": "BE", "Thun": "BE", "Zug": "ZG", "Cham": "ZG", "Chur": "GR", "Davos": "GR"}
town = rng.choice(list(towns), 400)
orders = pd.DataFrame({"weight": rng.integers(1, 40, 400), "canton": [towns[t] for t in town], "town": town})
orders["price"] = orders.weight * 3 + 10
hint = direction_hint(orders)
for order in (hint.orders[0], hint.orders[-1]):
    print(f"{', '.join(order.fields):28} {order.nats:.2f} nats a record, {100 * order.ratio.value:+.1f} %")
print("write them in the order", ", ".join(hint.best))

# %% [markdown]
# Percentages are against the order of the table as it came. Whoever knows the town knows the canton, and whoever
# knows the price knows the weight; a reader that looks back only a few letters should have those next to each other,
# the telling one first.
#
# ## What to conclude
#
# - An arrow belongs to a text *and* a learner. The network found half of what the pair counter missed; a perfect
#   learner would find nothing.
# - Before you claim an arrow of a language: several seeds, documents held out whole, and more than one way to cut the
#   text into tokens. At small sizes the sign of English turns with the tokenisation ([six
#   languages](../measured/arrow_languages.md)).
# - "No arrow seen" comes with the arrow that would have been seen. Quote both.
#
# Where to go on: `theodolite arrow corpus.txt` on your own text ([guide](../guide.md)),
# [language_arrow](../api/language_arrow.md), the claims of the paper [measured again](../measured/arrow.md).
