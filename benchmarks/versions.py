"""Whether a model exported under one version of `transformers` gives the same logits under another.

    python benchmarks/versions.py write exports
    .venv-lowest/bin/python benchmarks/versions.py read exports --json

`write` trains a small model of every kind for two steps, exports it as a class of transformers and with our modelling
file, and keeps the logits that transformers gives here. `read` opens the folders as any user of that version would, and
says the greatest difference of a logit, or why a folder does not open. It needs transformers alone.
"""

import argparse
import json
import warnings
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

TEXT = "A list is a sequence of objects, which may be of different types."
LOGITS = "logits.pt"
DEBERTA = {"buckets": 16, "max_distance": 64}
CASES = {
    "modern, mlm": ("modern", {}, "mlm"),
    "modern, mntp": ("modern", {}, "mntp"),
    "modern, hybrid": ("modern", {"theta": 5000.0}, "hybrid"),
    "modern, learned positions": ("modern", {"positions": "learned"}, "span"),
    "modern, causal": ("modern", {}, "causal"),
    "deberta, mlm": ("deberta", DEBERTA, "mlm"),
    "deberta, n-hot": ("deberta", DEBERTA | {"nhot": {"fusion": "gate", "width": 8}}, "mlm"),
    "deberta, mirror": ("deberta", DEBERTA, "mirror"),
    "ltg_bert, mlm": ("ltg_bert", {}, "mlm"),
    "ltg_bert, causal": ("ltg_bert", {}, "causal"),
    "minigpt, diffusion": ("minigpt", {}, "diffusion"),
    "hlb_gpt, mirror": ("hlb_gpt", {"intermediate": 96}, "mirror"),
}
"""Model, its options, and objective."""


def write(folder: Path) -> None:
    """The models, as `CASE` and `CASE, hf-code`."""
    from maskwright.hub.export.run import export
    from maskwright.run.config import Config
    from maskwright.run.load import load
    from maskwright.training.trainer import Trainer

    for case, (name, options, objective) in CASES.items():
        size = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64}
        tree = {
            "corpus": {"name": "embedded"}, "tokenizer": {"size": 1024}, "rows": {"length": 64},
            "model": {"name": name} | size | options, "objective": {"name": objective},
            "training": {"steps": 2, "batch_tokens": 2048}, "evaluation": {"every": 2},
        }  # fmt: skip
        run = folder / "runs" / case
        Trainer(Config.of(tree), run, show=False).train()
        for way in ("", ", hf-code"):
            out = folder / "models" / f"{case}{way}"
            print(export(load(run, "cpu"), out, own_code=bool(way)))
            torch.save(asked(out), out / LOGITS)


def asked(folder: Path) -> tuple[list[int], torch.Tensor]:
    """The tokens of the text, and the logits [1, L, V] of the model in `folder`."""
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    architecture = json.loads((folder / "config.json").read_text())["architectures"][0]
    auto = AutoModelForCausalLM if architecture.endswith("CausalLM") else AutoModelForMaskedLM
    model = auto.from_pretrained(folder, trust_remote_code=True).eval()
    encoded = tokenizer(TEXT, return_tensors="pt")
    with torch.no_grad():
        logits = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]).logits
    return encoded["input_ids"][0].tolist(), logits


def difference(folder: Path) -> float | str:
    """The greatest difference of a logit from what was kept, or why there is none."""
    kept_tokens, kept = torch.load(folder / LOGITS)
    try:
        tokens, logits = asked(folder)
    except (ValueError, KeyError, ImportError) as error:
        return f"does not open: {str(error).splitlines()[0][:120]}"
    return float((logits - kept).abs().max()) if tokens == kept_tokens else "other tokens"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["write", "read"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    return parser.parse_args()


def main() -> None:
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    options = parsed()
    if options.what == "write":
        write(options.folder)
        return
    found = {path.name: difference(path) for path in sorted((options.folder / "models").iterdir())}
    told = {"transformers": transformers.__version__, "torch": torch.__version__, "differences": found}
    print(json.dumps(told, indent=None if options.json else 1))


if __name__ == "__main__":
    main()
