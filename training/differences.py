"""Learns what a left-over word says about a pair, from the training families only.

usage: python training/differences.py judged.jsonl     (of judgedPairs.ts; writes server/matching/differences.generated.json)
The weights are those of a logistic regression on the presence of each word. calibrate.py calls fitted() for its folds.
"""
import json
import os
import sys

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "server", "matching", "differences.generated.json")
FAMILIES = 4  # fewest families in which a word must have differed
SMALLEST = 0.1  # weights nearer to 0 are left out


def fitted(pairs):
    """{word: weight} from [(family, same, words)]."""
    families = {}
    for family, _, words in pairs:
        for word in set(words):
            families.setdefault(word, set()).add(family)
    known = {word: i for i, word in enumerate(sorted(w for w, f in families.items() if len(f) >= FAMILIES))}
    where = np.array([(i, known[word]) for i, (_, _, words) in enumerate(pairs) for word in set(words) if word in known])
    presence = csr_matrix((np.ones(len(where)), where.T), shape=(len(pairs), len(known)))
    weights = LogisticRegression(C=0.3, max_iter=300).fit(presence, [same for _, same, _ in pairs]).coef_[0]
    return {word: round(float(weights[i]), 2) for word, i in known.items() if abs(weights[i]) >= SMALLEST}


def own_pairs(path):
    """The pairs of training families with their own seeds, refused ones too."""
    with open(path, encoding="utf-8") as file:
        questions = [json.loads(line) for line in file]
    return [(q["family"], int(q["label"] == "same"), c["words"]) for q in questions if q["set"] == "training" for c in q["candidates"] if c["own"]]


def main():
    weights = fitted(own_pairs(sys.argv[1]))
    with open(TARGET, "w") as file:
        json.dump({"source": "training/data without the held-out families", "weights": weights}, file, ensure_ascii=False, indent=0)
        file.write("\n")
    print(len(weights), "weights")


if __name__ == "__main__":
    main()
