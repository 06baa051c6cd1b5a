"""The YAML or JSON of Aether: `training.training_mode`, `mlm_mask_prob`, `model.maxlen` …

Defaults are those of its config classes; those of its optimizers are optax's.
"""

from typing import Any

from ._source import ForeignConfig

SIGNS = frozenset(
    {"training.training_mode", "training.mlm_mask_prob", "training.max_tokens_to_process", "model.maxlen"}
)

ADAM = {"betas": [0.9, 0.999], "eps": 1e-8}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "novograd": {"betas": [0.9, 0.25], "eps": 1e-6},
    "adam": ADAM,
    "adamw": ADAM,
    "adamax": ADAM,
    "nadam": ADAM,
    "sgd": {},
    "rmsprop": {"alpha": 0.9, "eps": 1e-8},
    "lion": {"betas": [0.9, 0.99], "weight_decay": 1e-3, "decay_embeddings": True},
    "adagrad": {"eps": 1e-7},
    "adadelta": {"rho": 0.9, "eps": 1e-6},
}
PRECISIONS = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
SCHEDULES = {"constant": "constant", "linear": "linear", "cosine": "cosine", "warmup_cosine": "cosine"}

BLOCK = 50_000_000
"""Characters of a data set of the hub that are read at a time, a few minutes of text for a small model."""
LEFT = {
    "model.name": "a model is known by its sizes",
    "model.use_layer_norm": "the norms of a block are always there",
    "model.attention_block_reuse": "every layer has weights of its own",
    "model.yat_epsilon": "the yat layers are not here",
    "model.num_random_features": "performer attention is not here",
    "training.eval_steps": "validation is always the whole held-out set",
    "training.val_set_size": "evaluation.held_out is a share of the documents",
    "training.final_evaluation": "every run ends with the whole held-out set",
    "data.streaming": "text is read once, into ids on the disk",
    "logging.checkpoint_dir": "the folder of a run is maskwright train --out",
    "logging.wandb_project": "training.trackers=[wandb] sends the numbers there",
    "logging.log_level": "a run says what it does",
    "logging.log_file": "numbers are in metrics.jsonl",
    "device.": "training.device names one; more by --nproc",
}


def convert(foreign: ForeignConfig) -> None:
    """Put its settings into our sections."""
    length = foreign.whole("model.maxlen", 1024)
    _text(foreign, length)
    _objective(foreign)
    _model(foreign, length)
    _optimizer(foreign)
    _training(foreign, length)
    foreign.ignore(LEFT)


def _text(foreign: ForeignConfig, length: int) -> None:
    dataset = foreign.get("data.dataset_name", "HuggingFaceFW/fineweb")
    foreign.put("corpus", name="hub", dataset=dataset, split=foreign.get("data.split", "train"))
    foreign.left["data"] = (
        f"{dataset} is read in blocks of {BLOCK:,} characters while the run trains; for a part of it that does not "
        "change, set corpus.max_documents and corpus.revision"
    )
    foreign.put("rows", length=length, block_chars=BLOCK, keep_blocks=2)
    foreign.put("tokenizer", kind="bpe", size=foreign.whole("model.vocab_size", 50257))
    name = foreign.get("data.tokenizer_name", "gpt2")
    foreign.left["data.tokenizer_name"] = (
        f"{name} is not downloaded: one of its size is learned; for its own ids, which get a [MASK], "
        f"set tokenizer.file=…/tokenizer.json"
    )


def _objective(foreign: ForeignConfig) -> None:
    mode = foreign.get("training.training_mode", "clm")
    if mode not in ("clm", "mlm"):
        raise ValueError(f"training.training_mode={mode!r}: it is clm or mlm")
    if mode == "clm":
        foreign.put("objective", name="causal")
        foreign.ignore(
            {
                f"training.mlm_{what}_prob": "training_mode is clm: nothing is hidden"
                for what in ("mask", "replace", "random")
            }
        )
        return
    masked, other = foreign.number("training.mlm_replace_prob", 0.8), foreign.number("training.mlm_random_prob", 0.1)
    ratio, keep = foreign.number("training.mlm_mask_prob", 0.15), round(1 - masked - other, 6)
    foreign.put("objective", name="mlm", ratio=ratio, random_prob=other, keep_prob=keep)
    foreign.remarks.append(
        "training_mode=mlm sees both sides, and other places are hidden in every text and epoch; there the view stayed "
        "causal, and a generator that was seeded at every call hid the same places everywhere"
    )


def _model(foreign: ForeignConfig, length: int) -> None:
    names = {"embed_dim": ("hidden", 768), "num_heads": ("heads", 12), "feed_forward_dim": ("intermediate", 768)}
    names |= {"num_transformer_blocks": ("layers", 12)}
    sizes = {ours: foreign.whole(f"model.{theirs}", size) for theirs, (ours, size) in names.items()}
    foreign.put("model", name="minigpt", **sizes, max_length=length, dropout=foreign.number("model.dropout_rate", 0.1))
    kind = foreign.get("model.architecture", "linear")
    if kind != "linear":
        foreign.left["model.architecture"] = f"{kind} is not here; minigpt is linear"
    if foreign.number("model.dropout_rate", 0.1) != 0.1:
        foreign.remarks.append("model.dropout is what dropout_rate says; there blocks did not hear of it and took 0.1")


def _optimizer(foreign: ForeignConfig) -> None:
    name = str(foreign.get("training.optimizer", "novograd")).lower()
    if name not in OPTIMIZERS:
        raise ValueError(f"training.optimizer={name!r}: it is one of {', '.join(OPTIMIZERS)}")
    foreign.put("optimizer", name=name, lr=foreign.number("training.learning_rate", 2e-3), **OPTIMIZERS[name])
    if name == "sgd":
        foreign.put("optimizer", momentum=foreign.number("training.momentum", 0.9))
    if name == "adamw":
        foreign.put("optimizer", weight_decay=foreign.number("training.weight_decay", 0.0), decay_embeddings=True)
    foreign.ignore(
        {
            f"training.{name}": f"only {owner} takes it there, and the optimizer is {name}"
            for name, owner in (("momentum", "sgd"), ("weight_decay", "adamw"))
            if name != owner
        }
    )


def _training(foreign: ForeignConfig, length: int) -> None:
    tokens, batch = (
        foreign.number("training.max_tokens_to_process", 1e9),
        foreign.whole("training.batch_size", 32) * length,
    )
    schedule = foreign.get("training.lr_scheduler", "constant")
    if schedule not in SCHEDULES:
        raise ValueError(f"training.lr_scheduler={schedule!r}: it is one of {', '.join(SCHEDULES)}")
    steps = max(1, int(tokens // batch))
    rises = schedule == "warmup_cosine"
    warmup = min(foreign.whole("training.lr_scheduler_warmup_steps", steps // 10) / steps, 0.99) if rises else 0.0
    foreign.put(
        "training", tokens=tokens, batch_tokens=batch, warmup=round(warmup, 6), decay=SCHEDULES[schedule],
        floor=foreign.number("training.lr_scheduler_alpha", 0.0), clip=None,
        checkpoint_every=foreign.whole("training.checkpoint_interval", 10000),
    )  # fmt: skip
    if not rises:
        foreign.ignore({"training.lr_scheduler_warmup_steps": f"lr_scheduler is {schedule}: nothing rises"})
    foreign.put("evaluation", every=foreign.whole("training.eval_interval", 2000))
    precision = foreign.get("training.precision", "float32")
    if precision in PRECISIONS:
        foreign.put("training", precision=PRECISIONS[precision])
    else:
        foreign.left["training.precision"] = (
            f"{precision} is not here; training.precision is auto, bf16, fp16, fp32 or fp8"
        )
