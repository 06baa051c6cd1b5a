"""maskwright evaluate"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 50
EXAMPLES = """Examples

  maskwright evaluate first validation
  maskwright evaluate first validation --json
  # without its last layers, one removed at a time
  maskwright evaluate first layers
  maskwright evaluate first/checkpoints/step-500 validation
  # minimal pairs, scored as the model was trained
  maskwright evaluate first blimp --data FOLDER
  maskwright evaluate first blimp --data FOLDER --limit 100 \\
      --paradigms passive_1,passive_2
  # a learning curve over all checkpoints
  maskwright evaluate first/checkpoints blimp --data FOLDER
  maskwright evaluate first classification --data FOLDER/finetune/mr \\
      train=probe seeds=5
  # parts of speech or entities, of a folder with train.conll, valid.conll
  maskwright evaluate first tagging --data FOLDER
  # writes predictions in the official format
  maskwright evaluate first blimp --data FOLDER predictions=results
  # generated texts, scored by the causal model c
  maskwright evaluate d generation scorer=c sampler=remdm steps=64
  maskwright evaluate first blimp --data FOLDER --backend mlm_word per=token \\
      temperatures=[1,1.5,2]
  # a public model in a folder, as if it were a run
  maskwright evaluate bert-base-uncased blimp --data FOLDER
  # several runs as one model: their probabilities are averaged
  maskwright evaluate first second third blimp --data FOLDER --ensemble
  # every checkpoint on the fast tasks of BabyLM, and the run on all of them
  maskwright evaluate RUN/words babylm --fast --data evaluation_data
  maskwright evaluate RUN babylm --data evaluation_data
"""


def command(
    run: Annotated[
        Path, typer.Argument(help="A run, a checkpoint, a folder of several, or any model of transformers.")
    ],
    suite: Annotated[
        str, typer.Argument(help="One of `maskwright options suite`, or a file: my_suite.py.")
    ] = "validation",
    options: Annotated[
        list[str] | None, typer.Argument(metavar="OPTION=VALUE", help="Options of the suite: per=token …")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="The folder with the suite's files.")] = None,
    backend: Annotated[str | None, typer.Option(help="How texts are scored: mlm, mlm_word, causal …")] = None,
    limit: Annotated[int | None, typer.Option(help="Use only the first so many items of each paradigm.")] = None,
    paradigms: Annotated[str | None, typer.Option(help="Use only these paradigms, separated by commas.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="For babylm: the fast tasks, as checkpoints are asked.")] = False,
    protocol: Annotated[
        str | None, typer.Option(help="For classification: babylm fine-tunes as the challenge does.")
    ] = None,
    together: Annotated[
        bool, typer.Option("--ensemble", help="Several runs as one model: the mean of their probabilities.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Evaluate a trained model on its validation set or on a suite. Results are kept in RUN/evaluations."""
    from rich.console import Console

    from ...progress import during

    with during("loading"):
        from ...display import accuracies, series, side_by_side
        from ...display.metrics import metrics
        from ...evaluate.suites._evaluate import evaluate_ensemble, evaluate_folder, results_name
        from ...run.discover import is_model
        from ...settings import override
        from ...settings.outside import trusting

    if not together and is_model(Path(suite)):
        raise ValueError(f"{suite} is a run and no suite: --ensemble evaluates several runs, as one model")
    shortcuts = {"backend": backend, "limit": limit, "paradigms": paradigms, "protocol": protocol}
    shortcuts |= {"fast": "true"} if fast else {}
    members, suite, options = _members(run, suite, options or []) if together else ([run], suite, options or [])
    assignments = [*options, *(f"{name}={value}" for name, value in shortcuts.items() if value is not None)]
    with trusting(suite, override({}, assignments)), during(f"evaluating {run} on {suite}"):
        if together:
            numbers, run = evaluate_ensemble(suite, members, data, assignments)
            typer.echo(f"ensemble of {len(members)}: the mean of their probabilities; kept in {run}", err=True)
        else:
            numbers = evaluate_folder(suite, run, data, assignments)
    figure = run / "plots" / f"{results_name(suite, data, assignments)}.svg"
    typer.echo(json.dumps(numbers)) if as_json else Console().print(metrics(numbers))
    if found := series.series(numbers):
        typer.echo(series.plot(found, figure), err=True)
        typer.echo(series.page(found, figure), err=True)
    if beside := side_by_side.columns(numbers):
        typer.echo(side_by_side.plot(beside, figure), err=True)
    if sure := accuracies.scores(numbers):
        typer.echo(accuracies.plot(sure, figure), err=True)


def _members(run: Path, suite: str, options: list[str]) -> tuple[list[Path], str, list[str]]:
    """The runs of an ensemble, which come first, the suite, and its options."""
    words = [suite, *options]
    count = next((n for n, word in enumerate(words) if not Path(word).is_dir()), len(words))
    rest = words[count:]
    named = rest[:1] if rest and "=" not in rest[0] else []
    return [run, *map(Path, words[:count])], named[0] if named else "validation", rest[len(named) :]
