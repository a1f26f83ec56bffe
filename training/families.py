"""Families of editor prompts, and the labelled pairs that they give.

Owns: which families train and which are held out; what a positive and a negative pair is; the noise added to both.
Always true: the development set (test/fixtures/quality) is never read here, so nothing can train on it.
"""
import glob
import itertools
import json
import os
import random
import re

HERE = os.path.dirname(os.path.abspath(__file__))
# One whole author, and every tenth family of the others, are kept for calibration.
HELD_OUT_PART = "part-13"
HELD_OUT_EVERY = 10

POSITIVES, NEGATIVES = 10, 14  # at most, a family and epoch
NEIGHBOURS = 4  # questions of other families, a family and epoch


def load_families():
    """(training, held out): lists of families; each gets `part`."""
    training, held_out = [], []
    for path in sorted(glob.glob(os.path.join(HERE, "data", "part-*.jsonl"))):
        part = os.path.basename(path).removesuffix(".jsonl")
        with open(path, encoding="utf-8") as file:
            for i, line in enumerate(file):
                family = json.loads(line)
                family["part"] = part
                (held_out if part == HELD_OUT_PART or i % HELD_OUT_EVERY == 5 else training).append(family)
    return training, held_out


def wordings(family):
    """(same, different): texts that ask what the seed asks, and texts that do not."""
    own = [v for v in family["variants"] if "context" not in v]
    return ([family["seed"]["prompt"]] + [v["prompt"] for v in own if v["label"] == "same"],
            [v["prompt"] for v in own if v["label"] == "different"])


def pairs_for_epoch(families, neighbours, epoch):
    """[(text, text, 1.0 same | 0.0 different)], shuffled; another draw each epoch. Two "different" texts say nothing of each other.

    neighbours: for each family the numbers of others whose questions lie near but are not the same (neighbours.py).
    """
    r = random.Random(1000 + epoch)
    pairs = []
    for family, near in zip(families, neighbours):
        same, different = wordings(family)
        positives = list(itertools.combinations(same, 2))
        negatives = [(a, b) for a in same for b in different if a != b]
        pairs += [(a, b, 1.0) for a, b in r.sample(positives, min(POSITIVES, len(positives)))]
        pairs += [(a, b, 0.0) for a, b in r.sample(negatives, min(NEGATIVES, len(negatives)))]
        pairs += [(r.choice(same), r.choice(wordings(families[other])[0]), 0.0) for other in r.sample(near, NEIGHBOURS)]
        if r.random() < 0.3:
            text = r.choice(same)
            pairs.append((text, r.choice(QUOTING).format(text), 0.0))
    r.shuffle(pairs)
    return [(*(pair[:2] if r.random() < 0.5 else pair[1::-1]), pair[2]) for pair in (noisy(p, r) for p in pairs)]


# Texts that speak about a prompt instead of asking it.
QUOTING = ('fix the grammar: "{}"', 'translate "{}" into French', 'what would you answer to "{}"?', "rewrite this prompt so it is clearer: {}",
           "summarise the following request in five words: {}", 'my colleague asked "{}", is that even a good idea?',
           "{} - not that, the opposite", 'add a TODO comment saying "{}"', "write a commit message for: {}", 'why did you answer "{}" the way you did')
COURTESY_BEFORE = ("please ", "hi, ", "hey ", "could you ", "can you please ", "quick one: ", "ok so ", "I'd like you to ")
COURTESY_AFTER = (" please", " thanks", ", thank you!", " pls", " thx", "?", " :)", ", cheers")


def noisy(pair, r):
    """Slips and courtesy on both labels alike, so that neither tells the label."""
    a, b, label = pair
    return (noisy_text(a, r), noisy_text(b, r), label)


def noisy_text(text, r):
    if r.random() < 0.06:
        text = r.choice(COURTESY_BEFORE) + text
    if r.random() < 0.06:
        text = text + r.choice(COURTESY_AFTER)
    if r.random() < 0.06:
        text = with_slip(text, r)
    return text


def with_slip(text, r):
    """Two neighbouring letters swapped, or one lost, inside one plain lower-case word of five letters or more."""
    plain = [m for m in re.finditer(r"(?<![\w./\-])[a-z]{5,}(?![\w./\-(])", text)]
    if not plain:
        return text
    m = r.choice(plain)
    word, i = m.group(), r.randrange(1, len(m.group()) - 2)
    slipped = word[:i] + word[i + 1] + word[i] + word[i + 2:] if r.random() < 0.6 else word[:i] + word[i + 1:]
    return text[:m.start()] + slipped + text[m.end():]
