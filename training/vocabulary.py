"""Words that people write on purpose, so that "test" and "text" are two words and not a typing slip.

usage: python training/vocabulary.py     (writes server/matching/vocabulary.generated.json)
Takes the whole words of the base model's own vocabulary, and words that stand in several training families outside texts made sloppy.
"""
import collections
import json
import os
import re

from families import load_families
from train import base_folder

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "server", "matching", "vocabulary.generated.json")
FAMILIES = 3
SLOPPY_PART = "part-11"


def main():
    with open(os.path.join(base_folder(), "vocab.txt"), encoding="utf-8") as file:
        words = {w for w in file.read().split() if re.fullmatch(r"[a-z]{3,14}", w)}
    seen = collections.defaultdict(set)
    for family in sum(load_families(), []):
        if family["part"] == SLOPPY_PART:
            continue
        texts = [family["seed"]["prompt"]] + [v["prompt"] for v in family["variants"] if v["kind"] in ("paraphrase", "verbose", "word-order") and v["label"] == "same"]
        for word in {w for t in texts for w in re.findall(r"(?<![\w'])[a-z]{3,14}(?![\w'])", t)}:
            seen[word].add(family["id"])
    words |= {w for w, families in seen.items() if len(families) >= FAMILIES}
    with open(TARGET, "w") as file:
        json.dump({"source": "vocabulary of all-MiniLM-L6-v2 (Apache-2.0) and training/data", "words": " ".join(sorted(words))}, file)
        file.write("\n")
    print(len(words), "words")


if __name__ == "__main__":
    main()
