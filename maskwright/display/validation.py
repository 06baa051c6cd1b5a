"""The metrics of a validation as text: one line per exam, with the unigram baseline next to each value."""

from collections.abc import Iterator, Mapping

METRICS = ("accuracy", "top5", "loss")
LIKELIHOODS = ("forward", "backward")
"""The exams whose loss is a likelihood of the text, so that bits per byte is meaningful."""
OWN = "own objective"

Exams = dict[str, dict[str, float]]
"""The name of an exam, then its metrics: `accuracy`, `unigram/accuracy` …"""


def exams(numbers: Mapping[str, float]) -> Exams:
    """The exams that have a unigram floor, the common ones first; `numbers` are named as `validate` names them.

    An objective whose own exam is one of the common ones has one exam.
    """
    prefixes = [name.removesuffix("unigram/loss") for name in numbers if f"/{name}".endswith("/unigram/loss")]
    found = {prefix.rstrip("/") or OWN: _metrics(numbers, prefix) for prefix in sorted(prefixes, reverse=True)}
    own = found.pop(OWN, None)
    return found | ({OWN: own} if own and own not in found.values() else {})


def _metrics(numbers: Mapping[str, float], prefix: str) -> dict[str, float]:
    wanted = [*METRICS, *(f"unigram/{metric}" for metric in METRICS), "bits_per_byte"]
    return {metric: numbers[prefix + metric] for metric in wanted if prefix + metric in numbers}


def lines(numbers: Mapping[str, float]) -> list[str]:
    """A line for each exam, and a warning below it where the model is worse than its floor."""
    return [line for name, exam in exams(numbers).items() for line in (_line(name, exam), *_warning(name, exam))]


def _line(name: str, exam: Mapping[str, float]) -> str:
    """`validation: masked accuracy 44.5%, top-5 65.9% (unigram 3.4%, 13.1%) · loss 2.91 (unigram 6.30)`"""
    shares = {"accuracy": "accuracy", "top-5": "top5"} if "top5" in exam else {"accuracy": "accuracy"}
    reached = ", ".join(f"{word} {exam[metric]:.1%}" for word, metric in shares.items())
    floors = ", ".join(f"{exam[f'unigram/{metric}']:.1%}" for metric in shares.values())
    return (
        f"validation: {name} {reached} (unigram {floors}) "
        f"· loss {exam['loss']:.2f} (unigram {exam['unigram/loss']:.2f})"
        + (f" · {exam['bits_per_byte']:.2f} bits/byte" if name in LIKELIHOODS else "")
    )


def _warning(name: str, exam: Mapping[str, float]) -> Iterator[str]:
    worse = [metric for metric in ("accuracy", "loss") if _worse(exam, metric)]
    if worse:
        yield f"warning: {name} {' and '.join(worse)} worse than the unigram baseline, which ignores the context"


def _worse(exam: Mapping[str, float], metric: str) -> bool:
    difference = exam[metric] - exam[f"unigram/{metric}"]
    return difference > 0 if metric == "loss" else difference < 0
