"""What scores on the same questions without having learned to read them, beside what models score."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from .results import Run, higher

FLOORS = {
    "chance": "guessing",
    "unigram": "token frequencies",
    "trigram": "counts of three tokens",
    "untrained": "an untrained model",
    "commonest": "the commonest answer",
    "fewer_tokens": "the rule that fewer tokens win",
    "frequent_tokens": "the rule that frequent tokens win",
    "words": "TF-IDF of words",
}
"""What each is called in the results of exams and suites, and on pages."""


def floors(metric: str, runs: Collection[Run]) -> dict[str, float]:
    """Each floor of `metric` that all `runs` know, the mean over them."""
    exam, slash, name = metric.rpartition("/")
    keys = {floor: f"{exam}{slash}{floor}/{name}" for floor in FLOORS}
    known = {floor: key for floor, key in keys.items() if runs and all(key in run.numbers for run in runs)}
    return {floor: float(np.mean([run.numbers[key] for run in runs])) for floor, key in known.items()}


def below(metric: str, arms: Mapping[str, Mapping[int, Run]]) -> Iterator[tuple[str, str, float]]:
    """Each arm whose mean is not better than every floor, with the floor that is hardest to pass, and its value."""
    sign = 1 if higher(metric) else -1
    for arm, runs in arms.items():
        if found := floors(metric, runs.values()):
            floor, value = max(found.items(), key=lambda each: sign * each[1])
            if sign * np.mean([run.numbers[metric] for run in runs.values()]) <= sign * value:
                yield arm, floor, value
