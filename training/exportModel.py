"""Trained weights to int8 ONNX: one logit for a pair. The tokenizer is that of server/models/all-MiniLM-L6-v2, the same vocabulary.
Records what the exported weights say of a few held-out pairs, to which the tests hold the product.

usage: python training/exportModel.py WEIGHTS.pt [TARGET]     (train.py calls export() by itself)
"""
import hashlib
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from families import load_families, wordings
from pairInput import PairEncoder
from pairModel import OCCURRENCES, PairModel, load_config

SCORES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "fixtures", "quality", "verifierScores.json")
RECORDED_FAMILIES = 8
MODEL_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "server", "models", "same-answer-verifier")
NEWEST_IR = 8  # the onnxruntime of @xenova/transformers 2.17 reads no newer file


def export(base, weights, work, target=MODEL_FOLDER):
    """Writes the model files to `target`; the float model stays in `work` for comparison. Prints sizes and hashes."""
    config = load_config(base)
    model = PairModel(config)
    model.load_state_dict(torch.load(weights, map_location="cpu"))
    model.eval()
    os.makedirs(os.path.join(target, "onnx"), exist_ok=True)
    whole = os.path.join(work, "model.onnx")
    small = os.path.join(target, "onnx", "model_quantized.onnx")
    ids = torch.tensor([[101, 2000, 102, 2001, 102]] * 2)
    axes = {name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask", "token_type_ids")}
    torch.onnx.export(model, (ids, torch.ones_like(ids), torch.zeros_like(ids)), whole, input_names=list(axes), output_names=["logits"],
                      dynamic_axes={**axes, "logits": {0: "batch"}}, opset_version=14, dynamo=False, do_constant_folding=True)
    with_old_ir(whole)
    quantize_dynamic(whole, small, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
                     op_types_to_quantize=["MatMul", "Gemm", "Gather"])
    with_old_ir(small)
    config = dict(config, architectures=["BertForSequenceClassification"], id2label={"0": "same"}, label2id={"same": 0}, num_labels=1,
                  type_vocab_size=2 * OCCURRENCES, _name_or_path="same-answer-verifier")
    with open(os.path.join(target, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
        file.write("\n")
    with open(small, "rb") as file:
        content = file.read()
    with open(os.path.join(target, "checksums.json"), "w") as file:
        json.dump({"onnx/model_quantized.onnx": hashlib.sha256(content).hexdigest()}, file, indent=2)
        file.write("\n")
    print(f"{small}: {len(content)} bytes")
    record(PairEncoder(base), small)


def record(encoder, weights):
    """Writes [{"a", "b", "logit"}] of the seeds of some held-out families against each of their variants."""
    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    rows = []
    for family in load_families()[1][:RECORDED_FAMILIES]:
        same, different = wordings(family)
        for text in same[1:] + different:
            (ids, types), = encoder.encode([(same[0], text)])
            inputs = {"input_ids": [ids], "attention_mask": [[1] * len(ids)], "token_type_ids": [types]}
            logit = session.run(None, {name: np.array(value, np.int64) for name, value in inputs.items()})[0][0][0]
            rows.append({"a": same[0], "b": text, "logit": round(float(logit), 4)})
    with open(SCORES, "w", encoding="utf-8") as file:
        json.dump(rows, file, ensure_ascii=False, indent=0)
        file.write("\n")


def with_old_ir(path):
    graph = onnx.load(path)
    graph.ir_version = min(graph.ir_version, NEWEST_IR)
    onnx.save(graph, path)


if __name__ == "__main__":
    from train import base_folder
    export(base_folder(), sys.argv[1], os.path.dirname(os.path.abspath(sys.argv[1])), *sys.argv[2:3])
