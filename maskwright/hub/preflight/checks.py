"""What the official BabyLM evaluation requires of a `transformers` folder, checked beforehand.

It opens models by auto classes, gives them `input_ids` and `attention_mask` alone, cuts nothing, finds completions by
the tokenizer's offsets, and ignores revisions of folders that are on the disk.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from ...files.json_files import read_object
from ...models.transformers.quiet import silence
from ...settings import outside

TEXT = "Who does Mary's café think that 42 children saw?"
EVALUATION = "4.51.3"
"""The transformers that the evaluation pins."""
LATER = {"modernbert-decoder"}
"""The architectures of ours that came after it."""
AUTO = {False: AutoModelForMaskedLM, True: AutoModelForCausalLM}


@dataclass(frozen=True)
class Finding:
    """One need, and whether it is met."""

    need: str
    """A few words."""
    met: bool
    message: str
    """What was found; where the need is not met, what is wrong and how to mend it."""


@dataclass
class Patient:
    """The folder under test; its parts are loaded once."""

    folder: Path
    longest: int
    """Tokens of the longest text that the evaluation will give."""
    trusted: bool = False
    """Whether its own code runs."""

    @cached_property
    def tokenizer(self) -> Any:
        return AutoTokenizer.from_pretrained(self.folder, padding_side="right", trust_remote_code=self.trusted)

    @cached_property
    def config(self) -> dict[str, Any]:
        return read_object(self.folder / "config.json")

    @cached_property
    def causal(self) -> bool:
        """Whether it is scored as a causal model: by the class that wrote it."""
        return any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in self.config.get("architectures") or ())

    @cached_property
    def model(self) -> tuple[Any, dict[str, Any]]:
        """The model that scores texts, and what was missing."""
        return self.open(AUTO[self.causal])

    def open(self, auto: Any) -> tuple[Any, dict[str, Any]]:
        """The model under an auto class, in evaluation mode, and what was missing."""
        how = {"trust_remote_code": self.trusted, "output_loading_info": True}
        model, info = auto.from_pretrained(self.folder, **how)
        return model.eval(), info

    def batch(self, texts: list[str]) -> dict[str, Tensor]:
        """Texts, padded, as the evaluation gives them."""
        info = self.tokenizer(texts, padding=True, return_tensors="pt")
        return {name: info[name] for name in ("input_ids", "attention_mask")}


class Unmet(Exception):
    """A requirement that is not met; the message says what is wrong and how to fix it."""


def preflight(folder: Path, longest: int) -> list[Finding]:
    """Every need of the evaluation, in its order.

    longest: tokens of the longest text, none of which it will cut. Raises ValueError when `folder` holds no model of
    transformers, or one with code of its own that is not trusted.
    """
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} holds no model of transformers (config.json)")
    own = own_code(folder)
    for module in own:
        outside.check_trust(f"{folder}/{module}")
    patient = Patient(folder, longest, trusted=bool(own))
    with silence():
        return [_asked(need, check, patient) for need, check in NEEDS.items()]


def own_code(folder: Path) -> list[str]:
    """The modules that `auto_map` in a folder's JSON files names, which transformers would run."""
    maps = [read_object(folder / name).get("auto_map") for name in MAPPED if (folder / name).is_file()]
    return sorted({f"{name.rpartition('.')[0]}.py" for name in outside.texts_in(maps)})


MAPPED = ("config.json", "tokenizer_config.json")
"""The files in which transformers looks for it."""


def _asked(need: str, check: Callable[[Patient], str], patient: Patient) -> Finding:
    """What a check finds. Whatever a library raises on the way is a finding too: that is what the check is for."""
    try:
        with torch.no_grad():
            return Finding(need, True, check(patient))
    except Unmet as fault:
        return Finding(need, False, str(fault))
    except Exception as error:
        return Finding(need, False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")


def demand(fact: bool, fault: str) -> None:
    """Raise Unmet with `fault` unless `fact`."""
    if not fact:
        raise Unmet(fault)


def fast(patient: Patient) -> str:
    """A fast tokenizer, whose offsets give back the text."""
    tokenizer = patient.tokenizer
    demand(tokenizer.is_fast, "the tokenizer is slow and knows no offsets: save one with a tokenizer.json")
    info = tokenizer(TEXT, return_offsets_mapping=True, add_special_tokens=False)
    covered = {place for start, end in info["offset_mapping"] for place in range(start, end)}
    lost = [sign for place, sign in enumerate(TEXT) if place not in covered and not sign.isspace()]
    demand(not lost, f"no token's offsets cover {lost[0] if lost else ''!r}: its normalizer loses text")
    return f"{type(tokenizer).__name__}, {len(tokenizer):,} tokens, offsets cover the text"


def mask(patient: Patient) -> str:
    """A mask token of its own, which a masked model cannot do without."""
    tokenizer, size = patient.tokenizer, patient.config["vocab_size"]
    found = tokenizer.mask_token_id
    demand(patient.causal or found is not None, "the tokenizer has no mask token: add one, and a row to the embedding")
    if found is None:
        return "none, and a causal model needs none"
    demand(found < size, f"the mask token has id {found}, and the embedding {size} rows: resize it")
    alone = tokenizer(tokenizer.mask_token, add_special_tokens=False)["input_ids"]
    demand(alone == [found], f"the text {tokenizer.mask_token!r} gives the tokens {alone}, not the mask token {found}")
    return f"{tokenizer.mask_token} is {found}"


def padding(patient: Patient) -> str:
    """Padding, and a model that does not see it."""
    tokenizer = patient.tokenizer
    demand(tokenizer.pad_token_id is not None, "the tokenizer has no padding token: add one")
    model, both = patient.model[0], patient.batch([TEXT, TEXT + " " + TEXT])
    alone = patient.batch([TEXT])["input_ids"]
    padded = scores(model, both)[:1, : alone.shape[1]]
    gap = float((padded - scores(model, {"input_ids": alone})).abs().max())
    demand(gap < 1e-3, f"padding changes logits by {gap:.2g}: the model must heed attention_mask")
    return f"{tokenizer.pad_token} is {tokenizer.pad_token_id}; logits with and without differ by {gap:.1g}"


def start(patient: Patient) -> str:
    """A special token before the text, which a shifted question and the first token of a causal text need."""
    ids, plain = (patient.tokenizer(TEXT, add_special_tokens=some)["input_ids"] for some in (True, False))
    lead = ids.index(plain[0]) if plain[0] in ids else 0
    demand(lead > 0, "no special token precedes a text, so its first token is never asked: the tokenizer must add one")
    return f"{patient.tokenizer.convert_ids_to_tokens(ids[0])} comes before a text"


def end(patient: Patient) -> str:
    """Nothing behind the text of a causal model, which is asked for the next word at the last position."""
    ids, plain = (patient.tokenizer(TEXT, add_special_tokens=some)["input_ids"] for some in (True, False))
    last = patient.tokenizer.convert_ids_to_tokens(ids[-1])
    fault = f"{last} follows a text, and reading times would be asked behind it: export the run again"
    demand(not patient.causal or ids[-1] == plain[-1], fault)
    return "a text ends with its last word" if patient.causal else f"{last} follows a text, as a masked model has it"


def head(patient: Patient) -> str:
    """The auto class that scores texts opens it, with all weights and finite logits of the whole vocabulary."""
    model, info = patient.model
    whole(info)
    demand(set(inspect.signature(model.forward).parameters) >= {"input_ids", "attention_mask"}, "no attention_mask")
    logits = scores(model, patient.batch([TEXT]))
    demand(bool(logits.isfinite().all()), "logits are not finite: each such text loses, or is drawn for")
    wide, size = logits.shape[-1], len(patient.tokenizer)
    demand(wide >= size, f"logits of {wide} tokens, and the tokenizer has {size}: resize the embedding")
    demand(float(logits.std()) > 0, "all logits are equal, and ties are drawn for: the model is not trained")
    return f"{AUTO[patient.causal].__name__} opens {type(model).__name__}; --backend {backends(patient)}"


def version(patient: Patient) -> str:
    """A class that the evaluation's version of transformers has, or code of its own."""
    if patient.config.get("auto_map"):
        return "code of its own"
    kind = patient.config.get("model_type")
    demand(kind not in LATER, f"the evaluation's transformers {EVALUATION} has no {kind}: export it with --to hf-code")
    return f"{kind}, as transformers {EVALUATION} has it"


def body(patient: Patient) -> str:
    """AutoModel opens it with all weights, and vectors have the config's `hidden_size`: fine-tuning needs this."""
    size = patient.config.get("hidden_size")
    demand(size is not None, "config.json has no hidden_size, which fine-tuning reads")
    model, info = patient.open(AutoModel)
    whole(info)
    found = model(**patient.batch([TEXT]))[0].shape[-1]
    demand(found == size, f"vectors of {found} numbers, and config.json says hidden_size={size}")
    return f"{type(model).__name__}, hidden_size={size}"


def classifier(patient: Patient) -> str:
    """The auto class that classifies opens it."""
    model = patient.open(AutoModelForSequenceClassification)[0]
    shape = tuple(model(**patient.batch([TEXT])).logits.shape)
    demand(shape == (1, model.config.num_labels), f"logits of shape {shape} for one text")
    return type(model).__name__


def length(patient: Patient) -> str:
    """Room for the longest text, which is not cut."""
    longest, most = patient.longest, patient.tokenizer.model_max_length
    reason = f"texts of {longest} tokens do not fit: train with model.max_length of at least {longest}"
    demand(most >= longest, f"the tokenizer says at most {most}; {reason}")
    ids = torch.full((1, longest), patient.tokenizer(TEXT)["input_ids"][0])
    try:
        scores(patient.model[0], {"input_ids": ids})
    except (ValueError, IndexError, RuntimeError) as error:
        raise Unmet(f"{reason} ({' '.join(str(error).split())[:120]})") from None
    return f"{longest} tokens fit"


def name(patient: Patient) -> str:
    """A folder's name that names the results."""
    found = patient.folder.resolve().name
    demand("." not in found, f"results would go to {Path(found).stem!r}: a name without dots, not {found!r}")
    return found


def revisions(patient: Patient) -> str:
    """One folder a checkpoint: `revision` is ignored of folders on the disk, and all scores would be of one model."""
    marks = [path.name for path in (patient.folder / ".git", patient.folder / "refs") if path.exists()]
    fault = f"{marks[0] if marks else ''} holds revisions, which are ignored on the disk: a folder for each checkpoint"
    demand(not marks, fault)
    below = sorted(path.parent.name for path in patient.folder.glob("*/config.json"))
    demand(not below, f"{', '.join(below[:3])} lie inside the model: a folder beside it for each checkpoint")
    return "one model in one folder"


NEEDS: dict[str, Callable[[Patient], str]] = {
    "fast tokenizer": fast,
    "mask token": mask,
    "token before a text": start,
    "end of a text": end,
    "version": version,
    "scoring": head,
    "padding": padding,
    "body": body,
    "classification": classifier,
    "length": length,
    "name": name,
    "checkpoints": revisions,
}
"""Name of each requirement to its check, which returns what it found or raises Unmet."""


def scores(model: Any, batch: dict[str, Tensor]) -> Tensor:
    """The logits, [B, L, V], as the evaluation takes them."""
    found: Tensor = model(**batch)[0]
    return found


def backends(patient: Patient) -> str:
    return "causal" if patient.causal else "mlm (or mntp, if it was trained so)"


def whole(info: dict[str, Any]) -> None:
    """Demand that no weight was drawn anew, but those that only training adds."""
    lost = [*info["missing_keys"], *info["mismatched_keys"]]
    demand(not lost, f"{len(lost)} weights are not in the folder and were drawn anew, {', '.join(map(str, lost[:2]))}")
