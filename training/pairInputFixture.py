"""Writes test/fixtures/quality/pairInput.json, to which pairInput.py and server/embedding/pairInput.ts are both held.

usage: python training/pairInputFixture.py
"""
import json
import os

from pairInput import PairEncoder, focused
from train import base_folder

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "fixtures", "quality", "pairInput.json")
LONG = "We have a service that reads orders from a queue. It writes them to Postgres. The table has about two million rows by now. Every night a job removes what is older than a year. "
PAIRS = [
    ("convert json to yaml please", "please convert yaml to json"),
    ("what does ^\\d{3}-\\d{4}$ match", "What does `^\\d{3}-\\d{4}` match?"),
    (LONG + "Why is it slow?", LONG + "Which index would help?"),
    (LONG, LONG + "Which index would help?"),
    ("orders " * 150, "queue " * 120),
    ("short question", "rows " * 300),
    ("naïve café", "", ),
]


def main():
    encoder = PairEncoder(base_folder())
    rows = []
    for a, b in PAIRS:
        encoder.tokenizer.no_truncation()
        one, other = focused(a, b)
        pieces = [encoder.tokenizer.encode(text, add_special_tokens=False).ids for text in (one, other)]
        (ids, types), = PairEncoder(base_folder()).encode([(a, b)])
        rows.append({"a": a, "b": b, "focused": [one, other], "piecesA": pieces[0], "piecesB": pieces[1], "ids": ids, "types": types})
    with open(TARGET, "w", encoding="utf-8") as file:
        json.dump(rows, file)
        file.write("\n")


if __name__ == "__main__":
    main()
