"""Every line of a validation is about one exam, with that exam's own floor; a model below it is warned of."""

from maskwright.display.metrics import _in_a_line
from maskwright.display.validation import lines

MASKED = {"accuracy": 0.445, "top5": 0.659, "loss": 2.91, "bits_per_byte": 1.3}
FLOOR = {"unigram/accuracy": 0.034, "unigram/top5": 0.131, "unigram/loss": 6.3}
OWN = {"accuracy": 0.411, "top5": 0.61, "loss": 3.04, "bits_per_byte": 1.37}


def named(exam: str, *parts: dict[str, float]) -> dict[str, float]:
    return {exam + name: number for part in parts for name, number in part.items()}


def test_one_line_for_each_exam_with_its_own_floor() -> None:
    other = {name: number + 0.01 for name, number in FLOOR.items()}
    assert lines(named("", OWN, other) | named("masked/", MASKED, FLOOR)) == [
        "validation: masked accuracy 44.5%, top-5 65.9% (unigram 3.4%, 13.1%) · loss 2.91 (unigram 6.30)",
        "validation: own objective accuracy 41.1%, top-5 61.0% (unigram 4.4%, 14.1%) · loss 3.04 (unigram 6.31)",
    ]


def test_an_own_exam_that_is_a_common_one_is_said_once_and_a_likelihood_has_bits() -> None:
    (line,) = lines(named("", OWN, FLOOR) | named("forward/", OWN, FLOOR))
    assert line.startswith("validation: forward accuracy 41.1%")
    assert line.endswith("· 1.37 bits/byte")


def test_a_model_below_its_floor_is_warned_of() -> None:
    bad = named("backward/", MASKED | {"accuracy": 0.02, "loss": 7.0}, FLOOR)
    assert lines(bad)[1] == (
        "warning: backward accuracy and loss worse than the unigram baseline, which ignores the context"
    )
    assert "backward loss worse" in lines(bad | {"backward/accuracy": 0.2})[1]
    assert len(lines(bad | {"backward/accuracy": 0.034, "backward/loss": 6.3})) == 1


def test_numbers_without_floors_have_no_lines() -> None:
    assert lines({"accuracy": 0.3, "syntax/loss": 2.0}) == []
    assert _in_a_line("masked/unigram/loss")
    assert not _in_a_line("domain/a/loss")
    assert not _in_a_line("masked/frequency/0-9/loss")
