"""The official computations, written plainly from their description: one text at a time, by `transformers` alone."""

import math
from itertools import pairwise
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer


class Plain:
    """The official scores of an exported model."""

    def __init__(self, folder: Path, backend: str):
        kind = AutoModelForCausalLM if backend == "causal" else AutoModelForMaskedLM
        self.tokenizer, self.model = (
            AutoTokenizer.from_pretrained(folder),
            kind.from_pretrained(folder, trust_remote_code=True).eval(),
        )
        self.backend, self.shift = backend, 0 if backend == "mlm" else 1

    @torch.no_grad()
    def log_probs(self, ids: list[int]) -> torch.Tensor:
        return self.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)

    def completion(self, text: str, completion: str) -> list[float]:
        """ln p of each token that ends inside the completion."""
        info = self.tokenizer(text, return_offsets_mapping=True)
        ids, begin = info["input_ids"], len(text) - len(completion)
        asked = [i for i, (_, end) in enumerate(info["offset_mapping"]) if end > begin]
        if self.backend == "causal":
            found = self.log_probs(ids)
            return [float(found[i - 1, ids[i]]) for i in asked]
        masked = [[*ids[:i], self.tokenizer.mask_token_id, *ids[i + 1 :]] for i in asked]
        return [float(self.log_probs(row)[i - self.shift, ids[i]]) for row, i in zip(masked, asked, strict=True)]

    def word(self, text: str, word: str) -> float:
        """−ln p of a word read after a text, its pieces written behind it one after another."""
        pieces = self.tokenizer(word, add_special_tokens=False)["input_ids"]
        total = -self._next(text, pieces[0])
        for last, piece in pairwise(pieces):
            text += self.tokenizer.decode(last)
            total -= self._next(
                text, self.tokenizer(self.tokenizer.decode(piece), add_special_tokens=False).input_ids[0]
            )
        return total

    def _next(self, text: str, token: int) -> float:
        if self.backend == "causal":
            return float(self.log_probs(self.tokenizer(text)["input_ids"])[-1, token])
        ids = self.tokenizer(text + 3 * self.tokenizer.mask_token)["input_ids"]
        return float(self.log_probs(ids)[ids.index(self.tokenizer.mask_token_id) - self.shift, token])


def candidates(task: str, line: dict) -> tuple[list[tuple[str, str]], int, bool]:
    """The texts of a line with their completions, which is right, and whether the whole text is written down."""
    if task == "blimp":
        return [(line[name], line[name]) for name in ("sentence_good", "sentence_bad")], 0, False
    if task == "ewok":
        target = " " + line["Target1"]
        return [(line[context] + target, target) for context in ("Context1", "Context2")], 0, True
    if task == "entity_tracking":
        return [(line["input_prefix"] + option, option) for option in line["options"]], 0, False
    if task == "comps":
        prefixes = (line["prefix_acceptable"], line["prefix_unacceptable"])
        return [(f"{prefix} {line['property_phrase']}", line["property_phrase"]) for prefix in prefixes], 0, True
    solutions = [" " + line[f"solution{i}"] for i in range(4) if f"solution{i}" in line]
    return [(line["prompt"] + solution, solution) for solution in solutions], line["label"], False


def choice(plain: Plain, task: str, line: dict) -> tuple[str, bool]:
    """What is written down, and whether it is right."""
    texts, label, whole = candidates(task, line)
    scores = [plain.completion(*pair) for pair in texts]
    totals = [math.fsum(some) / (len(some) if task.startswith("global") else 1) for some in scores]
    best = totals.index(max(totals))
    return texts[best][0 if whole else 1], best == label
