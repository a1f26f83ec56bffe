"""Questions of other families that lie near: what a cache with many entries finds, and must not serve.

Owns: which families are neighbours. Does not know: labels; the pairs that are made of them (families.py).
Always true: nearer than CLOSEST two families may well ask the same, so those are left out (of 42 such pairs that were read 17 did, of 28 beyond it 1).
"""
import os

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

CLOSEST = 0.35  # cosine distance
KEPT = 16  # neighbours of a family
BATCH = 64


def neighbours(model, base, families):
    """For each family the numbers of the KEPT nearest others beyond CLOSEST, by the vectors of their seeds.

    model: a PairModel as it was loaded from the folder `base`, before training.
    """
    vectors = sentence_vectors(model, base, [f["seed"]["prompt"] for f in families])
    distance = 1 - vectors @ vectors.T
    distance[distance <= CLOSEST] = float("inf")
    return distance.topk(KEPT, largest=False).indices.tolist()


def sentence_vectors(model, base, texts):
    """(texts, width): what the base model was trained for, the mean of its last layer, L2-normalised."""
    tokenizer = Tokenizer.from_file(os.path.join(base, "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(128)
    model.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(texts), BATCH):
            encoded = tokenizer.encode_batch(texts[start:start + BATCH])
            ids = torch.tensor([e.ids for e in encoded])
            mask = torch.tensor([e.attention_mask for e in encoded])
            found.append(F.normalize(model.mean_vector(ids, mask)))
    return torch.cat(found)
