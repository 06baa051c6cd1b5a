"""The model card of an exported model: README.md, all of it from the run that made the model."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

SCORING = {
    "mlm": (
        "By pseudo-log-likelihood: each token is masked in turn and predicted at its own position "
        "(Salazar et al. 2020). In the BabyLM evaluation: `--backend mlm`."
    ),
    "mntp": (
        "By pseudo-log-likelihood, shifted: each token is masked in turn and predicted at the position before it, so a "
        "text begins with the tokenizer's first special token. In the BabyLM evaluation: `--backend mntp`."
    ),
    "causal": (
        "By log-likelihood: each token is predicted from those before it. In the BabyLM evaluation: `--backend causal`."
    ),
    "own": (
        "By `maskwright score` and the questions of its objective. It was trained to predict {predicts}: no backend of "
        "the BabyLM evaluation asks for that, and it is no model to fill masks with."
    ),
}
"""What a score of a text is, by the backend."""

SINCE = {"ModernBertDecoderForCausalLM": "4.54"}
"""Classes that not every supported version of transformers has, and which does."""

CARD = """---
library_name: transformers
{task}{named}tags:
- maskwright
- {tag}
---

# {title}

A model of {parameters:,} parameters and {vocabulary:,} tokens, pretrained with maskwright by the objective
{objective}{rows}. It takes texts of up to {length:,} tokens.

## How to load it

```python
from transformers import {auto}, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained({quoted}{at}{trust})
model = {auto}.from_pretrained({quoted}{at}{trust})
```

It is a `{kind}`{since}: {why}. `AutoModel` and `AutoModelForSequenceClassification` open it for fine-tuning{with_code}.

## How texts are scored

{scoring}

## How it was trained

{training}
{results}"""


def card(facts: Mapping[str, Any], config: Mapping[str, Any], numbers: Mapping[str, Any]) -> str:
    """The card, as Markdown.

    facts: name, revision, kind, why, causal, remote, backend, predicts, parameters, vocabulary, length.  config: the
    published one, as a tree; empty where it is not known.  numbers: its final metrics, likewise.
    """
    task = "text-generation" if facts["causal"] else "fill-mask"
    auto = "AutoModelForCausalLM" if facts["causal"] else "AutoModelForMaskedLM"
    values = {
        "title": _text(facts["name"]),
        "quoted": json.dumps(facts["name"], ensure_ascii=False),
        "auto": auto,
        "task": "" if facts["backend"] == "own" else f"pipeline_tag: {task}\n",
        "tag": "causal-lm" if facts["causal"] else "masked-lm",
        "objective": _code(config["objective"]["name"]) if config else "unknown",
        "rows": f", on rows of {_rows(config['rows']['length'])} tokens" if config else "",
        "named": _named(config),
        "at": f", revision={json.dumps(facts['revision'], ensure_ascii=False)}" if facts["revision"] else "",
        "since": f" (transformers {SINCE[facts['kind']]} or newer)" if facts["kind"] in SINCE else "",
        "trust": ", trust_remote_code=True" if facts["remote"] else "",
        "with_code": ", with `trust_remote_code=True` as well" if facts["remote"] else "",
        "scoring": SCORING[facts["backend"]].format(predicts=facts["predicts"]),
        "training": _training(config, numbers),
        "results": _results(numbers),
    }
    return CARD.format(**values, **facts)


def _named(config: Mapping[str, Any]) -> str:
    """The licence and the languages, where the config names them."""
    found = {name: config[name] for name in ("license", "language") if config.get(name)}
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True) if found else ""


def _rows(length: int | str) -> str:
    return f"{length:,}" if isinstance(length, int) else f"{length} (epoch:tokens)"


def _training(config: Mapping[str, Any], numbers: Mapping[str, Any]) -> str:
    """What it saw, how long, and the whole config."""
    if not config:
        return "The folder that it was exported from holds no config."
    counts = {name: numbers[name] for name in ("step", "tokens", "words", "seconds") if name in numbers}
    rows = [f"| {name} | {_shown(value)} |" for name, value in ({"seed": config["seed"]} | counts).items()]
    tree = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    fence = max(["``", *re.findall("`+", tree)], key=len) + "`"
    seen = "\n".join(["| seen | |", "|---|---|", *rows])
    what = "Data, objective, model and budget, as `maskwright train` takes them"
    return f"{seen}\n\n{what}:\n\n{fence}yaml\n{tree}{fence}\n"


def _results(numbers: Mapping[str, Any]) -> str:
    found = {name.removeprefix("valid/"): value for name, value in numbers.items() if name.startswith("valid/")}
    if not found:
        return ""
    beside = {part: _beside(found, f"{part}/") for part in ("margin", "unigram")}
    told = {name: _shown(value) for name, value in found.items() if not {"margin", "unigram"} & {*name.split("/")}}
    rows = [
        f"| {_text(name)} | {value} | {beside['margin'].get(name, '')} | {beside['unigram'].get(name, '')} |"
        for name, value in told.items()
    ]
    head = ["| metric | this model | ± (95 %, over documents) | token frequencies alone |", "|---|---|---|---|"]
    return "\n".join(["", "## On the text that was held out", "", *head, *rows, ""])


def _beside(found: Mapping[str, Any], part: str) -> dict[str, str]:
    return {name.replace(part, ""): _shown(value) for name, value in found.items() if part in name}


def _text(written: str) -> str:
    """Text as Markdown that shows it as it is; the ends of lines are blanks."""
    return re.sub(r"([\\`*\[\]<>|&~$]|(?<!\w)_|_(?!\w))", r"\\\1", " ".join(written.split()))


def _code(written: str) -> str:
    fence = max(["", *re.findall("`+", written)], key=len) + "`"
    return f"{fence}{written}{fence}"


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
