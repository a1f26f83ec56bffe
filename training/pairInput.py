"""Two texts as the model reads them. server/embedding/pairInput.ts does exactly the same; test/fixtures/quality/pairInput.json holds both to it.

Owns: leaving out the sentences that both texts share, word pieces, and how each piece occurs in the other text.
Always true: symmetric but for the order of the texts.
"""
import os
import re

from tokenizers import Tokenizer

MAX_TOKENS = 192  # both texts together
FOCUS_WORDS = 40  # a text of more words than this is compared without the sentences that both share
SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n+")


class PairEncoder:
    def __init__(self, base):
        self.tokenizer = Tokenizer.from_file(os.path.join(base, "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")

    def encode(self, pairs):
        """[(text, text)] -> [(ids, types)]; types: text (0, 1) + 2 * occurrence (0..3)."""
        return [(e.ids, with_occurrences(e.ids, e.type_ids)) for e in self.tokenizer.encode_batch([focused(a, b) for a, b in pairs])]


def focused(a, b):
    """The sentences in which the texts differ, when one of them is long; what all sentences share tells nothing."""
    if max(len(a.split()), len(b.split())) <= FOCUS_WORDS:
        return a, b
    in_a, in_b = sentences(a), sentences(b)
    keys_a, keys_b = {key(s) for s in in_a}, {key(s) for s in in_b}
    own_a = [s for s in in_a if key(s) not in keys_b]
    own_b = [s for s in in_b if key(s) not in keys_a]
    if not own_a or not own_b:  # one text adds to the other: a shared sentence stands in for the missing side
        shared = next((s for s in in_a if key(s) in keys_b), None)
        if shared is None:
            return a, b
        own_a, own_b = [shared, *own_a], [shared, *own_b]
    return " ".join(own_a), " ".join(own_b)


def sentences(text):
    return [s for s in SENTENCE.split(text) if s.strip()]


def key(sentence):
    return re.sub(r"[^\w]+", " ", sentence.lower()).strip()


def with_occurrences(ids, types):
    """0 the piece does not occur in the other text, 1 it does, 2 with one of its neighbours, 3 with both."""
    sides = [[i for i, t in enumerate(types) if t == side][1 - side:-1] for side in (0, 1)]  # without [CLS] and [SEP]
    seen = [{ids[i] for i in side} for side in sides]
    neighbours = [{(ids[x], ids[y]) for x, y in zip(side, side[1:])} for side in sides]
    out = list(types)
    for side in (0, 1):
        places, other = sides[side], 1 - side
        for n, i in enumerate(places):
            if ids[i] not in seen[other]:
                continue
            before = n > 0 and (ids[places[n - 1]], ids[i]) in neighbours[other]
            after = n + 1 < len(places) and (ids[i], ids[places[n + 1]]) in neighbours[other]
            out[i] = side + 2 * (1 + before + after)
    return out
