"""The network: llama.cpp's architecture "llama" with tied embeddings."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

EPS = 1e-5
ROPE_BASE = 10000.0
PAIR_ROW = 48  # elements of one row of pairs.bin, see training-data.ts
INIT_STD = 0.04


def rms_norm(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * weight


class Rope:
    """Rotates pairs (2i, 2i+1), the layout of llama.cpp's architecture "llama": nothing is permuted at export."""

    def __init__(self, seq, head_dim):
        frequencies = 1.0 / (ROPE_BASE ** (torch.arange(0, head_dim, 2).float() / head_dim))
        angles = torch.outer(torch.arange(seq).float(), frequencies)
        self.cos, self.sin = angles.cos()[None, :, None, :], angles.sin()[None, :, None, :]
        self.pairs = head_dim // 2

    def __call__(self, x):
        x = x.view(*x.shape[:-1], self.pairs, 2)
        real, imaginary, n = x[..., 0], x[..., 1], x.shape[1]
        cos, sin = self.cos[:, :n], self.sin[:, :n]
        return torch.stack((real * cos - imaginary * sin, real * sin + imaginary * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, a, rope, causal):
        super().__init__()
        self.heads, self.head_dim, self.rope, self.causal = a.heads, a.dim // a.heads, rope, causal
        self.attn_norm = nn.Parameter(torch.ones(a.dim))
        self.ffn_norm = nn.Parameter(torch.ones(a.dim))
        self.qkv = nn.Linear(a.dim, 3 * a.dim, bias=False)
        self.o = nn.Linear(a.dim, a.dim, bias=False)
        self.gate_up = nn.Linear(a.dim, 2 * a.ffn, bias=False)
        self.down = nn.Linear(a.ffn, a.dim, bias=False)
        for linear in (self.qkv, self.gate_up):
            nn.init.normal_(linear.weight, 0, INIT_STD)
        for linear in (self.o, self.down):
            nn.init.normal_(linear.weight, 0, INIT_STD / math.sqrt(2 * a.layers))

    def forward(self, x):
        batch, n, dim = x.shape
        qkv = self.qkv(rms_norm(x, self.attn_norm)).view(batch, n, 3, self.heads, self.head_dim)
        q, k, v = qkv.unbind(2)
        q, k, v = self.rope(q).transpose(1, 2), self.rope(k).transpose(1, 2), v.transpose(1, 2)
        weights = ((q @ k.transpose(-1, -2)) * self.head_dim**-0.5 + self.causal[:n, :n]).softmax(-1)
        x = x + self.o((weights @ v).transpose(1, 2).reshape(batch, n, dim))
        gate, up = self.gate_up(rms_norm(x, self.ffn_norm)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Model(nn.Module):
    def __init__(self, a, vocabulary_size):
        super().__init__()
        rope = Rope(a.seq, a.dim // a.heads)
        causal = torch.full((a.seq, a.seq), float('-inf')).triu(1)
        self.emb = nn.Embedding(vocabulary_size, a.dim)
        nn.init.normal_(self.emb.weight, 0, INIT_STD)
        self.blocks = nn.ModuleList([Block(a, rope, causal) for _ in range(a.layers)])
        self.norm = nn.Parameter(torch.ones(a.dim))

    def hidden(self, tokens):
        x = self.emb(tokens)
        for block in self.blocks:
            x = block(x)
        return rms_norm(x, self.norm)

    def loss(self, tokens, targets, weights):
        """Only weighted positions go through the output layer: it is a large part of the cost."""
        chosen = weights.reshape(-1) > 0
        logits = self.hidden(tokens).view(-1, self.norm.numel())[chosen] @ self.emb.weight.t()
        losses = F.cross_entropy(logits, targets.reshape(-1)[chosen], reduction='none')
        w = weights.reshape(-1)[chosen]
        return (losses * w).sum() / w.sum()

    def embed(self, rows):
        """Mean of the last hidden states, as llama.cpp's pooling type MEAN does."""
        lengths = rows[:, 0]
        longest = int(lengths.max())
        hidden = self.hidden(rows[:, 1 : longest + 1])
        present = (torch.arange(longest)[None] < lengths[:, None]).float()[..., None]
        return F.normalize((hidden * present).sum(1) / present.sum(1), dim=-1)

    def contrast(self, pairs):
        """Two wordings of one meaning are nearer to each other than to the others."""
        e = self.embed(pairs.reshape(-1, PAIR_ROW)).view(-1, 2, self.norm.numel())
        logits, labels = e[:, 0] @ e[:, 1].t() / 0.07, torch.arange(len(pairs))
        return 0.5 * (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels))


def tensors(model):
    """Weights under their GGUF names."""
    yield 'token_embd.weight', model.emb.weight
    yield 'output_norm.weight', model.norm
    for index, block in enumerate(model.blocks):
        q, k, v = block.qkv.weight.chunk(3, 0)
        gate, up = block.gate_up.weight.chunk(2, 0)
        named = dict(
            attn_norm=block.attn_norm, ffn_norm=block.ffn_norm, attn_q=q, attn_k=k, attn_v=v,
            attn_output=block.o.weight, ffn_gate=gate, ffn_up=up, ffn_down=block.down.weight,
        )
        for name, weight in named.items():
            yield f'blk.{index}.{name}.weight', weight
