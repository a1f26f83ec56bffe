#!/bin/sh
# Makes the shipped verifier and calibration anew, from the data alone. Hours; about 3 on two idle cores.
# usage, in an environment with requirements.txt and after `npm ci`: training/reproduce.sh [WORK_FOLDER]
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$here/build}
judged=$work/judged.jsonl
mkdir -p "$work"
judge() { "$here/../node_modules/node/bin/node" "$here/judgedPairs.ts" "$judged" "$@"; }

python "$here/train.py" --out "$work"      # the verifier
python "$here/vocabulary.py"               # words that are no typing slips
judge                                      # asks 37,000 questions through a real cache
python "$here/differences.py" "$judged"    # what a left-over word says
judge --verify
python "$here/calibrate.py" "$judged"      # trees, bounds, figures
npm --prefix "$here/.." run quality
