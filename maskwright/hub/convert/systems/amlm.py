"""The flags of AMLM's train_mask.py (Edman and Fraser 2025): `--mlm_prob 0.4 --mask_decay 0.25 --soft` …

A shell line, or a text with a flag a line. Defaults are those of its code.
"""

from typing import Any

from ._source import Given

SIGNS = frozenset({"mask_update_steps", "mask_decay", "mlm_prob", "regular_mlm", "first_mask_update", "max_seq_len"})

DEPTHS = {"xsmall": (12, 6), "small": (6, 12), "base": (12, 12), "large": (24, 16)}
"""Layers and heads of microsoft/deberta-v3-…"""
LAMB_DECAY = 0.1
"""The weight decay of LAMB there, whatever --weight_decay says."""

LEFT = {
    "output_path": "the folder of a run is maskwright train --out",
    "cpus": "the loader reads ahead by itself",
    "all_checkpoints": "training.checkpoint_every and training.keep say which checkpoints there are",
    "log_mlm_probs": "what an objective learns is in the checkpoints and the log",
    "pretrained": "training.init_from=DIR begins with the weights of a run",
    "eval_only": "maskwright evaluate RUN validation",
    "debug": "give a smaller file",
    "flops": "metrics.jsonl has tokens and seconds",
}


def carry(given: Given) -> None:
    """Put its settings into our sections."""
    stages = str(given.get("max_seq_len", "64"))
    lengths = [stage.rpartition(":")[2] for stage in stages.split(",")]
    if not all(length.strip().isdecimal() for length in lengths):
        raise ValueError(f"max_seq_len={stages!r}: give positions, as in 64, or epochs as in 0:64,5:256")
    given.put("rows", length=stages)
    given.tree["seed"] = given.whole("seed", 0)
    _text(given)
    _objective(given)
    _model(given, max(map(int, lengths)))
    _optimizer(given)
    _training(given, int(lengths[0]))
    given.leave(LEFT)


def _text(given: Given) -> None:
    valid = given.get("valid_data")
    given.put("corpus", files=[given.get("train_data", "texts/")], **({"valid": [valid]} if valid else {}))
    lower = {"lowercase": True} if given.yes("lower") else {}
    if "tokenizer" in given:
        given.put("tokenizer", file=given.get("tokenizer"))
        if lower:
            given.left["lower"] = "a loaded tokenizer lowers case by its own settings"
    else:
        given.put("tokenizer", kind="unigram", size=40_000, **lower)
        given.remarks.append("without --tokenizer, 40,000 pieces are learned; there it was that of DeBERTa")
    given.remarks.append("[CLS] and [SEP] stand around documents; there they stood around every line")


def _objective(given: Given) -> None:
    first, decay = given.number("mlm_prob", 0.15), given.number("mask_decay", 0.0)
    ratio: Any = {"start": first, "end": round(first - decay, 6)} if decay else first
    masked, other = given.number("mask_replace_prob", 0.8), given.number("random_replace_prob", 0.1)
    shares = {"ratio": ratio, "random_prob": other, "keep_prob": round(1 - masked - other, 6)}
    every, since, soft = given.whole("mask_update_steps", 100), given.whole("first_mask_update", 0), given.yes("soft")
    if given.yes("regular_mlm"):
        given.put("objective", name="mlm", **shares)
        reason = "regular_mlm does not adapt"
        given.leave(dict.fromkeys(("mask_update_steps", "first_mask_update", "soft"), reason))
        return
    score = "soft" if soft else "hard"
    given.put("objective", name="adaptive", **shares, score=score, update_every=every, first_update=since)
    given.remarks.append("special tokens are never hidden, random ones never special; counts are exact, there bf16")


def _model(given: Given, longest: int) -> None:
    path = str(given.get("model_path", "microsoft/deberta-v3-base"))
    size = path.rpartition("-")[2] if "deberta-v3-" in path else ""
    if size not in DEPTHS:
        given.left["model_path"] = f"{path} is not here: carried as deberta-v3-base"
    layers, heads = DEPTHS.get(size, DEPTHS["base"])
    hidden, inner = given.whole("hidden_size", 768), given.whole("intermediate_size", 3072)
    reach = {"max_length": max(1024, longest), "farthest": max(1024, longest)}
    dropout = given.number("dropout", 0.1)
    sizes = {"layers": layers, "heads": heads, "hidden": hidden, "intermediate": inner}
    given.put("model", name="deberta", **sizes, **reach, dropout=dropout)
    if given.get("custom") == "nhot":
        given.put("model", parts={"fusion": "add"})
    elif "custom" in given:
        given.left["custom"] = f"{given.get('custom')} is not here; nhot is, as model.parts"


def _optimizer(given: Given) -> None:
    decay, rate = given.number("weight_decay", 0.01), given.number("lr", 0.007)
    if given.yes("lamb"):
        knobs = {"name": "lamb", "betas": [0.9, 0.98], "eps": 1e-8, "weight_decay": LAMB_DECAY}
        given.leave({"weight_decay": f"--lamb does not hear of it there: {LAMB_DECAY} is its decay"})
    else:
        knobs = {"name": "adamw", "betas": [0.9, 0.999], "weight_decay": decay}
    given.put("optimizer", **knobs, lr=rate, decay_embeddings=True)
    given.remarks.append("weights and their moments are float32; there all was bf16")


def _training(given: Given, length: int) -> None:
    rows, times = given.whole("batch_size", 256), given.whole("grad_acc", 1)
    given.put(
        "training", epochs=given.number("epochs", 10), batch_tokens=rows * times * length,
        micro_batch_tokens=rows * length, warmup=0.01, decay="cosine", floor=0.0, clip=1.0,
        log_every=given.whole("logging_steps", 100), checkpoint_every=given.whole("save_steps", 1000),
    )  # fmt: skip
    given.put("evaluation", every=given.whole("eval_steps", 1000))
    if given.yes("wandb"):
        given.put("training", trackers=["wandb"])
