#!/usr/bin/python3
"""Trains Enclave Mini on what prepare.ts wrote; export.ts turns the result into GGUF.

Debian: apt install python3-torch python3-numpy libopenblas0-pthread. On AVX-512 machines whose CPU model
OpenBLAS does not know, OPENBLAS_CORETYPE=SkylakeX is much faster.

With --steps the run depends only on its arguments, the data and the versions of torch and BLAS; with
--minutes it also depends on the speed of the machine.
"""

import argparse
import json
import math
import time

import numpy as np
import torch
import torch.nn as nn

from network import EPS, PAIR_ROW, ROPE_BASE, Model, tensors

CONTEXT_TOKENS = 1024  # stated in the file; training sees --seq tokens
PAIRS_PER_BATCH = 40
VALIDATION_EXAMPLES = 400


def parse_arguments():
    defaults = dict(
        data='data', out='weights', init='', dim=192, layers=6, heads=6, ffn=512, seq=256, batch=16,
        minutes=15.0, steps=0, lr=3e-3, cw=0.3, threads=2, seed=1,
    )
    parser = argparse.ArgumentParser()
    for name, value in defaults.items():
        parser.add_argument('--' + name, type=type(value), default=value)
    return parser.parse_args()


class Data:
    """Token stream, loss mask and wording pairs of prepare.ts."""

    def __init__(self, folder, seq):
        def read(name, dtype):
            return np.fromfile(f'{folder}/{name}.bin', dtype=dtype)

        with open(f'{folder}/vocab.json', encoding='utf8') as file:
            self.vocabulary_size = len(json.load(file)['tokens'])
        self.ids = read('ids', np.uint16).astype(np.int64)
        self.mask = read('mask', np.uint8).astype(np.float32)
        self.pairs = read('pairs', np.uint16).astype(np.int64).reshape(-1, 2, PAIR_ROW)
        self.meanings = read('pairkeys', np.uint16).astype(np.int64)
        starts = read('starts', np.uint32).astype(np.int64)
        training, validation = starts[:-VALIDATION_EXAMPLES], starts[-VALIDATION_EXAMPLES:]
        self.training = training[training < validation[0] - seq - 1]
        self.validation = validation[validation < len(self.ids) - seq - 1]

    def batch(self, starts, size, seq):
        """Inputs, targets and weights: 1 for answers, 0.2 for a few of the other tokens."""
        at = np.random.choice(starts, size)[:, None] + np.arange(seq + 1)
        tokens = self.ids[at]
        weights = self.mask[at][:, 1:].copy()
        draws = np.random.rand(*weights.shape)
        weights[(weights == 0) & (draws < 0.08)] = 0.2
        return (
            torch.from_numpy(tokens[:, :-1]),
            torch.from_numpy(tokens[:, 1:]),
            torch.from_numpy(weights),
        )

    def pair_batch(self):
        """Rows of two wordings each, every meaning once."""
        chosen = np.random.choice(len(self.meanings), PAIRS_PER_BATCH, replace=False)
        _, first = np.unique(self.meanings[chosen], return_index=True)
        return torch.from_numpy(self.pairs[chosen[first]])


def train(a, model, data):
    matrices = [p for p in model.parameters() if p.ndim > 1]
    norms = [p for p in model.parameters() if p.ndim == 1]
    groups = [{'params': matrices, 'weight_decay': 0.05}, {'params': norms, 'weight_decay': 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=a.lr, betas=(0.9, 0.98))
    began, step, seen, average, contrast = time.time(), 0, 0, None, 0.0
    while True:
        elapsed = time.time() - began
        progress = step / a.steps if a.steps else elapsed / (a.minutes * 60)
        if progress >= 1:
            return dict(steps=step, tokens=seen, seconds=elapsed, loss=average)
        decay = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))
        rate = a.lr * min(1, (step + 1) / 100) * decay
        for group in optimizer.param_groups:
            group['lr'] = rate
        tokens, targets, weights = data.batch(data.training, a.batch, a.seq)
        loss = model.loss(tokens, targets, weights)
        total = loss
        if step % 4 == 0:
            pair_loss = model.contrast(data.pair_batch())
            total, contrast = loss + a.cw * pair_loss, pair_loss.item()
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step, seen = step + 1, seen + tokens.numel()
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if step % 20 == 0:
            print(f'{elapsed:6.0f}s step {step} loss {average:.4f} contrast {contrast:.3f}', flush=True)


def validate(a, model, data):
    model.eval()
    np.random.seed(0)
    with torch.no_grad():
        losses = [model.loss(*data.batch(data.validation, a.batch, a.seq)).item() for _ in range(8)]
    print('validation', np.mean(losses))


def save(a, model, summary):
    torch.save(model.state_dict(), a.out + '.pt')
    places, offset = {}, 0
    with open(a.out + '.bin', 'wb') as file:
        for name, weight in tensors(model):
            data = weight.detach().contiguous().numpy().astype('<f4').tobytes()
            places[name] = [offset, len(data) // 4]
            offset += file.write(data)
    shape = dict(
        dim=a.dim, layers=a.layers, heads=a.heads, kvHeads=a.heads, ffn=a.ffn, ctx=CONTEXT_TOKENS,
        ropeBase=ROPE_BASE, eps=EPS,
    )
    with open(a.out + '.json', 'w', encoding='utf8') as file:
        json.dump({'shape': shape, 'tensors': places, **summary}, file)


def main():
    a = parse_arguments()
    torch.manual_seed(a.seed)
    np.random.seed(a.seed)
    torch.set_num_threads(a.threads)
    data = Data(a.data, a.seq)
    model = Model(a, data.vocabulary_size)
    if a.init:
        model.load_state_dict(torch.load(a.init))
    count = sum(p.numel() for p in model.parameters())
    print('parameters', count, 'tokens', len(data.ids), flush=True)
    summary = train(a, model, data)
    validate(a, model, data)
    save(a, model, summary)


main()
