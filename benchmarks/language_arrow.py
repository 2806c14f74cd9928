"""Training speed of the GPT against a plain PyTorch loop of the same network, and the n-gram on 6 MB.

    python benchmarks/language_arrow.py [--rounds 3]

One thread each, rounds in turns; both losses on the same windows from the same parameters are compared first.
Tokens a second of processor time, forward and backward pass, clipping and Adam included; compiling is not.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import jax.numpy as jnp
import numpy as np
import timing
import torch
from torch import nn
from torch.nn import functional as F

from theodolite.language_arrow import NGram, training
from theodolite.language_arrow.networks import network
from theodolite.language_arrow.schedule import Schedule
from theodolite.language_arrow.sizes import Size
from theodolite.language_arrow.token_losses import token_losses

CASES = {
    "d96 L2, V=512, T=128, B=16": (Size("gpt", 2, 96, heads=4), 512, 128, 16),
    "d128 L4, V=1024, T=128, B=16": (Size("gpt", 4, 128, heads=4), 1024, 128, 16),
}
STEPS = 20


class Block(nn.Module):
    """Pre-LN, gains only, no biases."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = (nn.LayerNorm(width, bias=False) for _ in range(2))
        self.attention = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.wide = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = self.attention(self.first(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(batch, length, width))
        return x + self.narrow(F.gelu(self.wide(self.second(x)), approximate="tanh"))


class TorchGPT(nn.Module):
    """The same network, with the same parameters."""

    def __init__(self, ours) -> None:
        super().__init__()
        tokens, positions = np.array(ours.tokens), np.array(ours.positions)
        self.tokens = nn.Parameter(torch.tensor(tokens))
        self.positions = nn.Parameter(torch.tensor(positions))
        layers, width = ours.blocks.out.shape[:2]
        self.blocks = nn.ModuleList(Block(width, ours.heads) for _ in range(layers))
        self.last = nn.LayerNorm(width, bias=False)
        for place, block in enumerate(self.blocks):
            for name in ("attention", "out", "wide", "narrow"):
                getattr(block, name).weight.data = torch.tensor(np.array(getattr(ours.blocks, name)[place]).T.copy())
        self.vocabulary = ours.vocabulary

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        first = torch.full((windows.shape[0], 1), self.vocabulary, dtype=windows.dtype)
        x = F.embedding(torch.cat([first, windows[:, :-1]], 1), self.tokens) + self.positions
        for block in self.blocks:
            x = block(x)
        logits = self.last(x) @ self.tokens[: self.vocabulary].T
        return F.cross_entropy(logits.reshape(-1, self.vocabulary), windows.reshape(-1))


def torch_trainer(net: TorchGPT, batches: np.ndarray, schedule: Schedule):
    """A plain loop: AdamW, clipping, the rate set at each step."""
    optimiser = torch.optim.AdamW(net.parameters(), lr=schedule.rate, betas=(0.9, schedule.b2), weight_decay=0.01)
    windows = torch.tensor(batches, dtype=torch.int64)

    def run() -> float:
        loss = torch.zeros(())
        for batch in windows:
            optimiser.zero_grad(set_to_none=True)
            loss = net(batch)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
        return float(loss.detach())

    return run


def our_trainer(net, batches: np.ndarray, schedule: Schedule):
    """The loop of `measure`: one call for 20 batches."""
    kept = [training.init(net, schedule)]

    def run() -> float:
        kept[0], losses = training.step(kept[0], batches, 0, 10**6, schedule)
        return float(losses[-1])

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    record: dict = {"environment": timing.environment() if hasattr(timing, "environment") else {}}
    for name, (size, vocabulary, context, batch) in CASES.items():
        net, schedule = network(size, vocabulary, context, 0), Schedule(2e-3)
        theirs = TorchGPT(net)
        batches = random.integers(0, vocabulary, (STEPS, batch, context)).astype(np.int32)
        one = float(token_losses(net, jnp.asarray(batches[0])).mean())
        other = float(theirs(torch.tensor(batches[0], dtype=torch.int64)).detach())
        assert math.isclose(one, other, rel_tol=1e-5), (one, other)
        found = timing.race(
            {"theodolite": our_trainer(net, batches, schedule), "PyTorch": torch_trainer(theirs, batches, schedule)},
            lambda answers: None,
            rounds=given.rounds,
        )
        tokens = STEPS * batch * context
        record[name] = {who: tokens / times.least for who, times in found.items()}
        print(name, {who: f"{value:,.0f} tokens/s" for who, value in record[name].items()}, flush=True)
    tokens = random.zipf(1.3, 6_000_000) % 256
    documents = np.split(tokens.astype(np.int32), 600)
    started = time.process_time()
    counted = NGram(documents[60:], 256, 5)
    counted.losses(documents[:60])
    record["n-gram, 6 MB, order 5, seconds"] = time.process_time() - started
    print(f"n-gram of 6 MB, one direction: {record['n-gram, 6 MB, order 5, seconds']:.1f} s")
    if given.out is not None:
        given.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
