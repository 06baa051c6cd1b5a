"""Numbers that come in rows are told from others by their names."""

from maskwright.display.series import series


def test_rows_are_read_off_the_names() -> None:
    numbers = {"layers/3/forward/loss": 1.0, "layers/2/forward/loss": 2.0, "layers/3/loss": 3.0, "loss": 4.0}
    assert series(numbers) == {"layers": {3: {"forward/loss": 1.0, "loss": 3.0}, 2: {"forward/loss": 2.0}}}
    assert series({"domain/news/loss": 1.0, "masked/loss": 2.0, "layers/3": 3.0}) == {}
