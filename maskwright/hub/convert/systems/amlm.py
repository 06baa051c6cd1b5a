"""The flags of AMLM's train_mask.py (Edman and Fraser 2025): `--mlm_prob 0.4 --mask_decay 0.25 --soft` …

A shell line, or a text with a flag a line. Defaults are those of its code.
"""

from typing import Any

from ._source import ForeignConfig

SIGNS = frozenset({"mask_update_steps", "mask_decay", "mlm_prob", "regular_mlm", "first_mask_update", "max_seq_len"})

DEPTHS = {"xsmall": (12, 6), "small": (6, 12), "base": (12, 12), "large": (24, 16)}
"""Layers and heads of microsoft/deberta-v3-…"""
LAMB_DECAY = 0.1
"""Their weight decay for LAMB, which ignores --weight_decay."""
LEAST = 0.005
"""The least probability of a token type, whatever the ratio."""
ALL_SUBSTRINGS = {"fusion": "add", "min_length": 1, "max_substrings": 1000}
"""N-hot embeddings as the paper describes them; the file with their code is not published."""

LEFT = {
    "output_path": "the folder of a run is maskwright train --out",
    "cpus": "the loader reads ahead by itself",
    "pretrained": "training.init_from=DIR begins with the weights of a run",
    "eval_only": "maskwright evaluate RUN validation",
    "debug": "give a smaller file",
    "flops": "metrics.jsonl has tokens and seconds",
}


def convert(foreign: ForeignConfig) -> None:
    """Put its settings into our sections."""
    stages = str(foreign.get("max_seq_len", "64"))
    lengths = [stage.rpartition(":")[2] for stage in stages.split(",")]
    if not all(length.strip().isdecimal() for length in lengths):
        raise ValueError(f"max_seq_len={stages!r}: give positions, as in 64, or epochs as in 0:64,5:256")
    foreign.put("rows", length=stages)
    foreign.tree["seed"] = foreign.whole("seed", 0)
    _text(foreign)
    _objective(foreign)
    _model(foreign, max(map(int, lengths)))
    _optimizer(foreign)
    _training(foreign, int(lengths[0]))
    foreign.ignore(LEFT)


def _text(foreign: ForeignConfig) -> None:
    valid = foreign.get("valid_data")
    foreign.put("corpus", files=[foreign.get("train_data", "texts/")], **({"valid": [valid]} if valid else {}))
    lower = {"lowercase": True} if foreign.yes("lower") else {}
    if "tokenizer" in foreign:
        foreign.put("tokenizer", file=foreign.get("tokenizer"))
        if lower:
            foreign.left["lower"] = "a loaded tokenizer lowers case by its own settings"
    else:
        foreign.put("tokenizer", kind="unigram", size=40_000, **lower)
        foreign.remarks.append("without --tokenizer, 40,000 pieces are learned; there it was that of DeBERTa")
    foreign.remarks.append("[CLS] and [SEP] stand around documents; there they stood around every line")


def _objective(foreign: ForeignConfig) -> None:
    first, decay = foreign.number("mlm_prob", 0.15), foreign.number("mask_decay", 0.0)
    ratio: Any = {"start": first, "end": round(first - decay, 6)} if decay else first
    masked, other = foreign.number("mask_replace_prob", 0.8), foreign.number("random_replace_prob", 0.1)
    shares = {"ratio": ratio, "random_prob": other, "keep_prob": round(1 - masked - other, 6)}
    every, since, soft = (
        foreign.whole("mask_update_steps", 100),
        foreign.whole("first_mask_update", 0),
        foreign.yes("soft"),
    )
    if foreign.yes("regular_mlm"):
        foreign.put("objective", name="mlm", **shares)
        reason = "regular_mlm does not adapt"
        foreign.ignore(dict.fromkeys(("mask_update_steps", "first_mask_update", "soft", "log_mlm_probs"), reason))
        return
    adapts = {"score": "soft" if soft else "hard", "update_every": every, "first_update": since}
    foreign.put("objective", name="adaptive", **shares, **adapts, floor=round(min(LEAST / first, 0.99), 6))
    foreign.remarks.append("special tokens are never hidden, random ones never special; counts are exact, there bf16")
    foreign.remarks.append("objective.law=published computes weights and masks as there; ours meets the ratio exactly")
    if foreign.yes("log_mlm_probs"):
        foreign.remarks.append(
            "the weights are in mask_weights.parquet, at every validation; there mlm_probs.csv had them at every "
            f"update: evaluation.every={every} is as often"
        )


def _model(foreign: ForeignConfig, longest: int) -> None:
    path = str(foreign.get("model_path", "microsoft/deberta-v3-base"))
    size = path.rpartition("-")[2] if "deberta-v3-" in path else ""
    if size not in DEPTHS:
        foreign.left["model_path"] = f"{path} is not here: carried as deberta-v3-base"
    layers, heads = DEPTHS.get(size, DEPTHS["base"])
    hidden, inner = foreign.whole("hidden_size", 768), foreign.whole("intermediate_size", 3072)
    reach = {"max_length": max(1024, longest), "max_distance": max(1024, longest)}
    dropout = foreign.number("dropout", 0.1)
    sizes = {"layers": layers, "heads": heads, "hidden": hidden, "intermediate": inner}
    foreign.put("model", name="deberta", **sizes, **reach, dropout=dropout)
    if foreign.get("custom") == "nhot":
        foreign.put("model", nhot=dict(ALL_SUBSTRINGS))
        foreign.remarks.append(
            "custom=nhot is by the paper, all substrings of a token and at most 1,000: its code is not published"
        )
    elif "custom" in foreign:
        foreign.left["custom"] = f"{foreign.get('custom')} is not here; nhot is, as model.nhot"


def _optimizer(foreign: ForeignConfig) -> None:
    decay, rate = foreign.number("weight_decay", 0.01), foreign.number("lr", 0.007)
    if foreign.yes("lamb"):
        fields: dict[str, Any] = {"name": "lamb", "betas": [0.9, 0.98], "eps": 1e-8, "weight_decay": LAMB_DECAY}
        fields |= {"decay_vectors": True, "scaling": "capped"}  # one parameter group, by bitsandbytes
        foreign.ignore({"weight_decay": f"--lamb does not hear of it there: {LAMB_DECAY} is its decay"})
    else:
        fields = {"name": "adamw", "betas": [0.9, 0.999], "weight_decay": decay}
        foreign.remarks.append("biases and gains are not decayed; there all was one parameter group")
    foreign.put("optimizer", **fields, lr=rate, decay_embeddings=True)
    foreign.remarks.append("weights and their moments are float32; there all was bf16")


def _training(foreign: ForeignConfig, length: int) -> None:
    rows, times = foreign.whole("batch_size", 256), foreign.whole("grad_acc", 1)
    foreign.put(
        "training", epochs=foreign.number("epochs", 10), batch_tokens=rows * times * length,
        micro_batch_tokens=rows * length, warmup=0.01, decay="cosine", floor=0.0, clip=1.0,
        log_every=foreign.whole("logging_steps", 100), checkpoint_every=foreign.whole("save_steps", 1000),
    )  # fmt: skip
    foreign.put("evaluation", every=foreign.whole("eval_steps", 1000))
    if foreign.yes("all_checkpoints"):
        foreign.put("training", keep_at="babylm")
        foreign.remarks.append(
            "all_checkpoints is training.keep_at=babylm: by words seen, in OUT/words, beside the others; "
            "there by shares of the run, in place of eval_steps, save_steps and logging_steps"
        )
    if foreign.yes("wandb"):
        foreign.put("training", trackers=["wandb"])
