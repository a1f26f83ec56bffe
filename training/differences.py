"""Learns what a left-over word says about a pair, from the training families only.

usage: node training/differences.ts > /tmp/differences.jsonl && python training/differences.py /tmp/differences.jsonl
Writes server/matching/differences.generated.json: the weights of a logistic regression on the presence of each word.
"""
import json
import os
import sys

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "server", "matching", "differences.generated.json")
FAMILIES = 4  # fewest families in which a word must have differed
SMALLEST = 0.1  # weights nearer to 0 are left out


def main():
    rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    families = {}
    for family, _, *keys in rows:
        for key in set(keys):
            families.setdefault(key, set()).add(family)
    known = {key: i for i, key in enumerate(sorted(k for k, f in families.items() if len(f) >= FAMILIES))}
    y = np.array([row[1] for row in rows])
    groups = np.array([row[0] for row in rows])
    where = [(i, known[key]) for i, row in enumerate(rows) for key in set(row[2:]) if key in known]
    x = csr_matrix((np.ones(len(where)), np.array(where).T), shape=(len(rows), len(known)))
    model = LogisticRegression(C=0.3, max_iter=400)
    out_of_fold = cross_val_predict(model, x, y, groups=groups, cv=GroupKFold(5), method="decision_function")
    print(len(known), "words, AUC out of fold by family", round(roc_auc_score(y, out_of_fold), 4))
    model.fit(x, y)
    weights = {key: round(float(model.coef_[0, i]), 2) for key, i in known.items() if abs(model.coef_[0, i]) >= SMALLEST}
    with open(TARGET, "w") as file:
        json.dump({"source": "training/data without the held-out families", "weights": weights}, file, ensure_ascii=False, indent=0)
        file.write("\n")
    print(len(weights), "weights")


if __name__ == "__main__":
    main()
