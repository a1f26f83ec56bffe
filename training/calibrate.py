"""Fits the decision (features -> P(same answer)) and its bounds.

usage: node training/judgedPairs.ts judged.jsonl && python training/differences.py judged.jsonl &&
       node training/judgedPairs.ts judged.jsonl --verify && python training/calibrate.py judged.jsonl
(The first pass is for the words of differences.py, the second sees their weights.) Writes server/matching/calibration.generated.json.

Two fits. The words' trees learn from the training families; a family's difference score comes from weights that were fitted
without it. The verifier has seen those families, so the trees that add its answers to the words' score learn from the
families that were held out from it. The bounds come from the questions of two authors, the development set and part 13, each
judged by trees that saw no family of that author.
"""
import datetime
import json
import math
import os
import re
import sys

import lightgbm
import numpy as np

from differences import fitted as fitted_differences, own_pairs

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(HERE, "..", "server", "matching", "calibration.generated.json")
WEIGHTS = os.path.join(HERE, "..", "server", "models", "same-answer-verifier", "checksums.json")
AUTHORS = ("development", "another author")
HELD_OUT = (*AUTHORS, "known authors")
LIMITS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2)
SEEDS = 3
WORDS = dict(rounds=160, num_leaves=10, learning_rate=0.07, min_data_in_leaf=30, lambda_l2=5)
VERIFIED = dict(rounds=80, num_leaves=6, learning_rate=0.07, min_data_in_leaf=30, lambda_l2=5)
# P by the words alone below which the verifier is not asked: it was trained on near misses, and of questions that have little in common
# it is too sure. Of 9,500 further stored questions of the same kind, what it alone spoke for was mostly wrong.
ASK_ABOVE = 0.2
VERIFIER = ("logitLow", "logitHigh", "margin")
RISING = ("differenceSum", "differenceWorst", "triviallySame", "logitLow", "logitHigh")
FALLING = ("refusals", "crossings", "codeLeftFew", "codeLeftMany", "numbersLeft", "negationsDiffer", "oppositesLeft", "toolsLeft")
RESAMPLES = 400
CONFIDENCE = 0.9  # share of the resamples of both authors' families in which the wrong share keeps to the limit
OFFER_RIGHT = 0.6  # a near hit is offered where at least this share of such candidates is right
TRIVIAL = 99.0  # scores of what is served without being weighed: same words, and
SURE = 90.0  # sure by the words alone


class Judged:
    """All judged pairs as arrays; `question` groups the pairs of one question."""

    def __init__(self, path):
        self.names = feature_names()
        with open(path, encoding="utf-8") as file:
            questions = [json.loads(line) for line in file]
        self.questions = questions
        rows = [(i, q, c) for i, q in enumerate(questions) for c in q["candidates"] if c.get("features")]
        self.question = np.array([i for i, _, _ in rows])
        self.set = np.array([q["set"] for _, q, _ in rows])
        self.family = np.array([q["set"] + q["family"] for _, q, _ in rows])
        self.right = np.array([q["label"] == "same" and c["own"] for _, q, c in rows])
        self.trivial = np.array([c["trivial"] for _, _, c in rows])
        self.x = np.array([c["features"] for _, _, c in rows], float)
        self.words = [c.get("words", []) for _, _, c in rows]

    def score_differences_without_own(self, pairs, folds=5):
        """Replaces the difference features of the training families by those of weights fitted without the family."""
        total, worst = self.names.index("differenceSum"), self.names.index("differenceWorst")
        families = sorted({family for family, _, _ in pairs})
        fold = dict(zip(np.random.RandomState(0).permutation(families), np.arange(len(families)) % folds))
        for k in range(folds):
            weights = fitted_differences([p for p in pairs if fold[p[0]] != k])
            for i in np.nonzero(self.set == "training")[0]:
                if fold.get(self.family[i].removeprefix("training")) == k:
                    found = [weights.get(word, 0) for word in self.words[i]]
                    self.x[i, total], self.x[i, worst] = sum(found), min([0, *found])

    def add_margins(self, asked):
        """Mean logit of a pair above that of the best other that is asked of the same question; 0 without another one."""
        low, high, margin = (self.names.index(name) for name in VERIFIER)
        rows = np.nonzero(asked)[0]
        mean = (self.x[:, low] + self.x[:, high]) / 2
        for i in rows:
            others = [mean[j] for j in rows[np.searchsorted(self.question[rows], self.question[i]):np.searchsorted(self.question[rows], self.question[i], "right")] if j != i]
            self.x[i, margin] = mean[i] - max(others) if others else 0

    def without_verifier(self):
        x = self.x.copy()
        x[:, [self.names.index(name) for name in VERIFIER]] = 0
        return x

    def families(self, *sets):
        return len({q["set"] + q["family"] for q in self.questions if q["set"] in sets})

    def same_questions(self, author):
        return sum(q["label"] == "same" for q in self.questions if q["set"] == author)


def main():
    judged = Judged(sys.argv[1])
    judged.score_differences_without_own(own_pairs(sys.argv[1]))
    training = judged.set == "training"
    words = fitted(judged.without_verifier(), judged.right, training, WORDS)
    by_words = score_of(words, judged.without_verifier())
    word_bounds = bounds(judged, by_words)
    sure = ~training & (by_words >= logit(word_bounds[0]["probability"]))
    asked = ~training & (by_words >= logit(ASK_ABOVE)) & ~np.isin(judged.question, judged.question[sure])
    judged.add_margins(asked)

    verified = np.where(sure, SURE, np.where(asked, np.nan, by_words))
    for author in AUTHORS:
        mine = judged.set == author
        trees = fitted(judged.x, judged.right, asked & ~mine, VERIFIED, by_words)
        verified[asked & mine] = by_words[asked & mine] + score_of(trees, judged.x[asked & mine])
    for author in AUTHORS:
        report(f"{author}, words", judged, best_of_each(judged, by_words, author), author)
        report(f"{author}, verified", judged, best_of_each(judged, verified, author), author)

    trivial = judged.right[judged.trivial & ~training]
    wrong = int((~trivial).sum())
    with open(WEIGHTS, encoding="utf-8") as file:
        weights = json.load(file)["onnx/model_quantized.onnx"]
    result = {
        "date": datetime.date.today().isoformat(),
        "data": f"words: {sum(q['set'] == 'training' for q in judged.questions)} questions of {judged.families('training')} families; verifier: " +
                f"{sum(q['set'] != 'training' for q in judged.questions)} questions of {judged.families(*HELD_OUT)} families that it was not trained on; bounds: " +
                ", ".join(f"{a} ({sum(q['set'] == a for q in judged.questions)} questions)" for a in AUTHORS) + ", each judged by trees that saw none of that author",
        "embedder": judged.questions[0]["embedder"],
        "features": judged.names,
        "trivial": {"served": len(trivial), "wrong": wrong, "wrongShareUpper95": round(wilson_upper(wrong, len(trivial)), 4)},
        "words": {"bounds": word_bounds, "offer": offer(judged, by_words), "trees": exported(words)},
        "verifier": {
            "weights": weights, "askAbove": ASK_ABOVE,
            "bounds": bounds(judged, verified), "offer": offer(judged, verified),
            "trees": exported(fitted(judged.x, judged.right, asked, VERIFIED, by_words)),
        },
    }
    with open(TARGET, "w") as file:
        json.dump(result, file, separators=(",", ":"))
        file.write("\n")
    print({k: v for k, v in result.items() if k not in ("words", "verifier", "features")}, "ask above", result["verifier"]["askAbove"], os.path.getsize(TARGET), "bytes")


def fitted(x, right, chosen, options, start=None):
    """One model a seed. `start`: scores that the trees add to."""
    names = feature_names()
    direction = [1 if n in RISING else -1 if n in FALLING else 0 for n in names]
    return [
        lightgbm.train(
            dict(objective="binary", num_leaves=options["num_leaves"], learning_rate=options["learning_rate"], feature_fraction=0.5,
                 bagging_fraction=0.7, bagging_freq=1, min_data_in_leaf=options["min_data_in_leaf"], lambda_l2=options["lambda_l2"],
                 monotone_constraints=direction, boost_from_average=False, seed=seed, deterministic=True, num_threads=2, verbosity=-1),
            lightgbm.Dataset(x[chosen], right[chosen].astype(int), init_score=None if start is None else start[chosen]), options["rounds"])
        for seed in range(SEEDS)
    ]


def score_of(models, x):
    return np.mean([m.predict(x, raw_score=True) for m in models], axis=0)


def best_of_each(judged, scores, author):
    """[(score, right, family)] of the candidate that would be served for each question, surest first."""
    best = {}
    for i in np.nonzero(judged.set == author)[0]:
        score = TRIVIAL if judged.trivial[i] else scores[i]
        if judged.question[i] not in best or score > best[judged.question[i]][0]:
            best[judged.question[i]] = (score, bool(judged.right[i]), judged.family[i])
    return sorted(best.values(), key=lambda b: -b[0])


def report(name, judged, best, author):
    right = np.cumsum([r for _, r, _ in best])
    n = np.arange(1, len(best) + 1)
    same = judged.same_questions(author)
    at = {limit: right[np.nonzero((n - right) / n <= limit)[0][-1]] / same for limit in (0.01, 0.02, 0.05, 0.1)}
    print(f"{name}: best coverage " + ", ".join(f"{v:.1%} at {k:.0%} wrong" for k, v in at.items()))


def bounds(judged, scores):
    pools = {author: best_of_each(judged, scores, author) for author in AUTHORS}
    found = []
    for limit in LIMITS:
        score = lowest_score(pools.values(), limit)
        if not math.isfinite(score):
            continue
        entry = {"wrongShare": limit, "probability": round(sigmoid(score), 4), "measured": {}}
        for author, pool in pools.items():
            above = [right for s, right, _ in pool if s >= score]
            wrong = len(above) - sum(above)
            entry["measured"][author] = {"served": len(above), "wrong": wrong, "wrongShareUpper95": round(wilson_upper(wrong, len(above)), 4),
                                         "coverage": round(sum(above) / judged.same_questions(author), 4)}
        found.append(entry)
        print(entry)
    return found


def lowest_score(pools, limit):
    """Lowest score above which the wrong share keeps to the limit for each author, and in CONFIDENCE of the resamples of all families."""
    both = sorted((b for pool in pools for b in pool), key=lambda b: -b[0])
    score = np.array([s for s, _, _ in both])
    wrong = np.array([not r for _, r, _ in both], float)
    families, member = np.unique([f for _, _, f in both], return_inverse=True)
    draws = np.random.RandomState(0).multinomial(len(families), np.ones(len(families)) / len(families), RESAMPLES)
    weight = draws[:, member]
    share = np.cumsum(weight * wrong, axis=1) / np.maximum(1, np.cumsum(weight, axis=1))
    kept = (share <= limit).mean(axis=0) >= CONFIDENCE
    for pool in pools:
        above = np.searchsorted([-s for s, _, _ in pool], -score, "right")
        wrong_above = np.concatenate([[0], np.cumsum([not r for _, r, _ in pool])])[above]
        kept &= wrong_above <= limit * above
    candidates = np.nonzero(kept & (score < SURE))[0]
    return score[candidates[-1]] if len(candidates) else math.inf


def offer(judged, scores):
    """Probability down to which, in stretches of 100 questions of both authors, enough candidates are right to be worth a look."""
    pool = sorted((b for author in AUTHORS for b in best_of_each(judged, scores, author) if b[0] < SURE), key=lambda b: -b[0])
    for start in range(0, len(pool) - 100, 20):
        if sum(right for _, right, _ in pool[start:start + 100]) < 100 * OFFER_RIGHT:
            return round(sigmoid(pool[start][0]), 4)
    return 0.5


def exported(models):
    """LightGBM's trees as parallel lists, their values divided among the seeds."""
    trees = []
    for info in (info for m in models for info in m.dump_model()["tree_info"]):
        tree = {"feature": [], "threshold": [], "left": [], "right": [], "value": []}
        add(info["tree_structure"], tree)
        trees.append(tree)
    return trees


def add(node, tree):
    place = len(tree["feature"])
    leaf = "leaf_value" in node
    tree["feature"].append(-1 if leaf else node["split_feature"])
    tree["threshold"].append(0 if leaf else float(f"{node['threshold']:.6g}"))
    tree["left"].append(0)
    tree["right"].append(0)
    tree["value"].append(round(node["leaf_value"] / SEEDS, 5) if leaf else 0)
    if not leaf:
        tree["left"][place] = add(node["left_child"], tree)
        tree["right"][place] = add(node["right_child"], tree)
    return place


def feature_names():
    with open(os.path.join(HERE, "..", "server", "matching", "pairFeatures.ts"), encoding="utf-8") as file:
        source = file.read()
    return re.findall(r"'(\w+)'", source.split("export const featureNames")[1].split("];")[0])


def sigmoid(score):
    return 1 / (1 + math.exp(-score))


def logit(probability):
    return math.log(probability / (1 - probability))


def wilson_upper(wrong, n, z=1.96):
    p = wrong / n
    return (p + z * z / (2 * n) + z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)


if __name__ == "__main__":
    main()
