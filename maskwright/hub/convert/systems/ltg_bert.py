"""The JSON of babylm-baseline, dynamic masking for LTG-BERT: `masking_strategy`, `mask_p`, `use_dynamic_masking` …

Defaults are those of its code, not of its files. LTG-BERT and GPT-BERT publish the sizes of a model in a file with the
same keys, which says nothing of training: that is as in our recipe then.
"""

from ....run.config import read
from ._source import ForeignConfig

SIGNS = frozenset({"masking_strategy", "mask_p", "use_dynamic_masking", "position_bucket_size"})

SIZES = {"hidden_size": 768, "intermediate_size": 2048, "num_attention_heads": 12, "num_hidden_layers": 12}
SIZES |= {"position_bucket_size": 32}
TRAINING = {
    "masking_strategy", "mask_p", "random_p", "keep_p", "max_span_length", "use_dynamic_masking", "block_size",
    "optimizer", "optimizer_eps", "learning_rate", "lr_scale_alpha", "peak_lr_cap", "min_lr", "weight_decay",
    "batch_size", "grad_accum", "_world_size_hint", "num_epochs", "warmup_steps_proportion", "max_grad_norm",
}  # fmt: skip
"""What a file says that is not of a model alone."""
RECIPE = "ltg_bert"

STRATEGIES = {"span": "span", "subword": "mlm", "whole_word": "whole_word"}
P = 1 / 3
"""Their default for the geometric distribution of span lengths; their documentation says 0.3."""

LEFT = {
    "use_sentence_aware": "documents are packed whole, and cut only where a row ends",
    "train_frac": "all that is not held out is trained on (there half of the text, by default)",
    "data_split_seed": "what is held out follows from the hash of a document's text, so that it never changes",
    "merge_test_into_val": "there is one held-out set: corpus.valid, or evaluation.held_out",
    "dataset_split": "the text is what corpus names",
    "head_weight_decay": "one weight decay for all matrices",
    "reinitialize_scheduler": "a resumed run goes on in its schedule",
    "monitoring.": "a loss that is not finite ends the run; the rest is in metrics.jsonl",
    "layer_norm_eps": "1e-7, as in the paper",
    "share_layer_weights": "every layer has weights of its own",
    "checkpoint_path": "the folder of a run is maskwright train --out",
    "cache_path": "ids are cached under the text and the tokenizer that made them",
    "chunk_size": "ids are memory-mapped, not read in chunks",
    "packing_max_len": "rows are as long as rows.length",
    "blocks_per_file": "ids are memory-mapped, not read in blocks",
    "oversize_policy": "a document that is too long for a row goes on in the next",
    "escape_literal_markers": "[MASK] written in a text is six signs",
    "literal_markers": "[MASK] written in a text is six signs",
    "debug_max_raw_lines": "give fewer files",
} | dict.fromkeys(("max_new_tokens", "max_response_length", "temperature", "top_p"), "sampling is not part of training")


def convert(foreign: ForeignConfig) -> None:
    """Put its settings into our sections."""
    _text(foreign)
    _model(foreign)
    if TRAINING & foreign.values.keys():
        foreign.put("rows", length=foreign.whole("block_size", 512))
        _objective(foreign)
        _training(foreign, _rate(foreign))
    else:
        _recipe(foreign)
    remarks = [key for key in foreign.rest() if key.startswith("_")]
    foreign.ignore(LEFT | dict.fromkeys(remarks, "a remark"))


def _recipe(foreign: ForeignConfig) -> None:
    sections = ("rows", "objective", "optimizer", "training")
    tree = read(RECIPE)
    for section in sections:
        foreign.put(section, **tree[section])
    foreign.remarks.append(
        f"the file has the sizes of a model alone: {len(sections)} sections ({', '.join(sections)}) are those of our "
        f"recipe {RECIPE}; if it is of GPT-BERT, take those of the recipe gpt_bert"
    )


def _text(foreign: ForeignConfig) -> None:
    foreign.put("corpus", files=["texts/"])
    foreign.remarks.append("the file does not say which text: put yours into texts/, or set corpus.files")
    if "tokenizer_path" in foreign:
        foreign.put("tokenizer", file=foreign.get("tokenizer_path"))
        foreign.ignore({"vocab_size": "the tokenizer of tokenizer_path has as many ids as it has"})
    else:
        foreign.put("tokenizer", kind="wordpiece", size=foreign.whole("vocab_size", 16384))
    if "val_frac" in foreign:
        foreign.put("evaluation", held_out=foreign.number("val_frac", 0.01))


def _objective(foreign: ForeignConfig) -> None:
    strategy = foreign.get("masking_strategy", "span")
    if strategy not in STRATEGIES:
        raise ValueError(f"masking_strategy={strategy!r}: it is one of {', '.join(STRATEGIES)}")
    shares = {"ratio": foreign.number("mask_p", 0.15), "random_prob": foreign.number("random_p", 0.1)}
    shares["keep_prob"] = foreign.number("keep_p", 0.1)
    foreign.put("objective", name=STRATEGIES[strategy], **shares)
    if strategy != "subword":
        foreign.put("objective", corruption_unit="span")
    if strategy == "span":
        _lengths(foreign, foreign.whole("max_span_length", 10))
    elif "max_span_length" in foreign:
        foreign.ignore({"max_span_length": f"masking_strategy is {strategy}; only spans have a length"})
    if not foreign.yes("use_dynamic_masking") and "use_dynamic_masking" in foreign:
        foreign.put("objective", num_static_masks=1)
        foreign.remarks.append("use_dynamic_masking=false is static masking here; there the switch was not read")
    foreign.remarks.append(
        "every masked token is a target; there rows were masked twice, and half of the [MASK] had no loss"
    )


def _lengths(foreign: ForeignConfig, longest: int) -> None:
    foreign.put("objective", geometric_p=round(P, 4), max_span_length=longest)
    there, here = _means(longest)
    foreign.remarks.append(
        f"max_span_length={longest}: lengths are geometric and truncated, {here:.2f} tokens in the mean; "
        f"there they were taken modulo {longest}, "
        + (f"{there:.2f} in the mean" if longest > 1 else "which never ended")
    )


def _means(longest: int) -> tuple[float, float]:
    """The mean span length of the public code (geometric, modulo `longest`), and the truncated one."""
    chances = [(length, P * (1 - P) ** (length - 1)) for length in range(1, 200)]
    some = [(length, chance) for length, chance in chances if length <= longest]
    folded = sum(length % longest * chance for length, chance in chances)
    return folded, sum(length * chance for length, chance in some) / sum(chance for _, chance in some)


def _model(foreign: ForeignConfig) -> None:
    names = {"hidden_size": "hidden", "intermediate_size": "intermediate"}
    names |= {"num_attention_heads": "heads", "num_hidden_layers": "layers", "position_bucket_size": "buckets"}
    fields = {ours: foreign.whole(theirs, SIZES[theirs]) for theirs, ours in names.items()}
    longest = max(foreign.whole("max_position_embeddings", 512), foreign.whole("block_size", 512))
    inner, outer = (foreign.number(f"{which}_dropout_prob", 0.1) for which in ("attention_probs", "hidden"))
    foreign.put("model", name="ltg_bert", **fields, max_length=longest, max_distance=longest, dropout=outer)
    if inner != outer:
        foreign.left["attention_probs_dropout_prob"] = f"one dropout for all: hidden_dropout_prob={outer:g}"


def _rate(foreign: ForeignConfig) -> float:
    """Its learning rate, which grows with the batch: lr · (rows / 256)^alpha, from 1e-5 to the cap."""
    name = str(foreign.get("optimizer", "adamw")).lower()
    if name not in ("adamw", "lamb"):
        raise ValueError(f"optimizer={name!r}: it is adamw or lamb")
    rows = foreign.whole("batch_size", 1) * foreign.whole("grad_accum", 1) * foreign.whole("_world_size_hint", 1)
    base, cap = foreign.number("learning_rate", 1e-4), foreign.number("peak_lr_cap", 1e-4)
    rate = min(max(base * (rows / 256) ** foreign.number("lr_scale_alpha", 0.5), 1e-5), cap)
    eps = foreign.number("optimizer_eps", 1e-8 if name == "adamw" else 1e-6)
    betas = [0.9, 0.999 if name == "adamw" else 0.98]
    decay = {"weight_decay": foreign.number("weight_decay", 0.01), "decay_embeddings": name == "adamw"}
    foreign.put("optimizer", name=name, lr=float(f"{rate:.6g}"), betas=betas, eps=eps, **decay)
    foreign.remarks.append(
        f"learning_rate={base:g} is optimizer.lr={rate:.4g}: there it was scaled by (rows of a batch / 256)^alpha, "
        f"with {rows:,} rows, and cut at peak_lr_cap={cap:g}"
    )
    return rate


def _training(foreign: ForeignConfig, rate: float) -> None:
    length, rows = foreign.whole("block_size", 512), foreign.whole("batch_size", 1)
    ranks = foreign.whole("_world_size_hint", 1)
    foreign.put(
        "training",
        epochs=foreign.number("num_epochs", 30),
        batch_tokens=length * rows * foreign.whole("grad_accum", 1) * ranks,
        micro_batch_tokens=length * rows,
        warmup=foreign.number("warmup_steps_proportion", 0.06),
        decay="cosine",
        floor=round(min(foreign.number("min_lr", 1e-5) / rate, 1.0), 6),
        clip=foreign.number("max_grad_norm", 1.0),
    )
    counted = "_world_size_hint" in foreign
    foreign.remarks.append(
        "training.batch_tokens is the batch of all processes: "
        + (
            f"{ranks} of them, by _world_size_hint"
            if counted
            else "for more than one, multiply it (and the rate grows)"
        )
    )
