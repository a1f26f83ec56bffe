"""The pair classifier: the encoder of all-MiniLM-L6-v2 over both texts at once, one logit on top of the first token.

Every token carries, beside its text (0 or 1), how it occurs in the other text (see pairInput.py): small models find that out
by themselves only after hundreds of thousands of pairs, and it is what near misses hang on.
Owns: the network and how the base weights get into it. Does not know: where pairs come from, ONNX.
Always true: sigmoid(logit) is read as P(an answer to one text is an answer to the other).
"""
import json
import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

DROPOUT = 0.1
OCCURRENCES = 4


class PairModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, eps = config["hidden_size"], config["layer_norm_eps"]
        self.word = nn.Embedding(config["vocab_size"], width)
        self.position = nn.Embedding(config["max_position_embeddings"], width)
        self.segment = nn.Embedding(2, width)
        self.occurrence = nn.Embedding(OCCURRENCES, width)
        self.norm = nn.LayerNorm(width, eps=eps)
        self.drop = nn.Dropout(DROPOUT)
        self.layers = nn.ModuleList(
            Layer(width, config["num_attention_heads"], config["intermediate_size"], eps)
            for _ in range(config["num_hidden_layers"]))
        self.pool = nn.Linear(width, width)
        self.head = nn.Linear(width, 1)
        nn.init.normal_(self.occurrence.weight, std=0.1)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, input_ids, attention_mask, token_type_ids):
        """(pairs, tokens) int64, three times -> (pairs, 1) logits. token_type_ids: text (0, 1) + 2 * occurrence (0..3)."""
        x, bias = self.embedded(input_ids, attention_mask, token_type_ids % 2)
        for i, layer in enumerate(self.layers):
            x = layer(x, bias)
            if i == 0:  # the first layer stays as it came, so it never sees the occurrences
                x = x + self.occurrence(token_type_ids // 2)
        return self.head(self.drop(torch.tanh(self.pool(x[:, 0]))))

    def mean_vector(self, input_ids, attention_mask):
        """(texts, tokens) int64, twice -> (texts, width): the mean of the last layer, of one text each and without occurrences."""
        x, bias = self.embedded(input_ids, attention_mask, torch.zeros_like(input_ids))
        for layer in self.layers:
            x = layer(x, bias)
        shown = attention_mask[:, :, None].to(x.dtype)
        return (x * shown).sum(1) / shown.sum(1)

    def embedded(self, input_ids, attention_mask, segments):
        x = self.word(input_ids) + self.position.weight[:input_ids.shape[1]] + self.segment(segments)
        return self.drop(self.norm(x)), (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -1e4

    def freeze_lowest(self):
        """Embeddings and the first layer stay as pre-trained: 30,000 short texts are too few to move them."""
        for part in [self.word, self.position, self.segment, self.norm, self.layers[0]]:
            for p in part.parameters():
                p.requires_grad_(False)


class Layer(nn.Module):
    def __init__(self, width, heads, inner, eps):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.inner = nn.Linear(width, inner)
        self.outer = nn.Linear(inner, width)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x, bias):
        pairs, tokens, width = x.shape
        q, k, v = self.qkv(x).view(pairs, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if torch.onnx.is_in_onnx_export():  # opset 14 has no fused attention
            attended = (q @ k.transpose(-1, -2) / math.sqrt(width // self.heads) + bias).softmax(-1) @ v
        else:
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        attended = attended.permute(0, 2, 1, 3).reshape(pairs, tokens, width)
        x = self.norm1(x + self.drop(self.out(attended)))
        return self.norm2(x + self.drop(self.outer(F.gelu(self.inner(x)))))


def load_base(folder):
    """A PairModel with the encoder of a sentence-transformers folder (model.safetensors, config.json) and a fresh head."""
    model = PairModel(load_config(folder))
    given = {k.removeprefix("bert."): v for k, v in load_file(os.path.join(folder, "model.safetensors")).items()}
    ours = model.state_dict()
    outside = {"word.weight": "embeddings.word_embeddings.weight", "position.weight": "embeddings.position_embeddings.weight",
               "segment.weight": "embeddings.token_type_embeddings.weight", "norm.weight": "embeddings.LayerNorm.weight",
               "norm.bias": "embeddings.LayerNorm.bias", "pool.weight": "pooler.dense.weight", "pool.bias": "pooler.dense.bias"}
    for name, theirs in outside.items():
        ours[name].copy_(given[theirs])
    inside = {"out": "attention.output.dense", "norm1": "attention.output.LayerNorm", "inner": "intermediate.dense",
              "outer": "output.dense", "norm2": "output.LayerNorm"}
    for i in range(len(model.layers)):
        prefix = f"encoder.layer.{i}."
        for s in ("weight", "bias"):
            ours[f"layers.{i}.qkv.{s}"].copy_(torch.cat([given[f"{prefix}attention.self.{n}.{s}"] for n in ("query", "key", "value")]))
            for name, theirs in inside.items():
                ours[f"layers.{i}.{name}.{s}"].copy_(given[f"{prefix}{theirs}.{s}"])
    model.load_state_dict(ours)
    return model


def load_config(folder):
    with open(os.path.join(folder, "config.json")) as file:
        return json.load(file)
