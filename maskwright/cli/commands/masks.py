"""maskwright masks"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

ORDER = 30
SAMPLE = 32
"""Batches of rows in a report."""
EXAMPLES = """Examples

  maskwright masks "Masks are drawn anew in each epoch."
  maskwright masks "The same hidden words." --objective whole_word \\
      --objective span --epochs 3
  # halfway through a curriculum
  maskwright masks "The same hidden words." --progress 0.5 \\
      --objective "{name: span, max_span_length: {start: 1, end: 9}}"
  # how often each part of speech is masked
  maskwright masks --report --lexicon tagged.txt --objective \\
      "{name: weighted, classes: tagged.txt, rates: {NOUN: 2, DET: 0}}"
  # coverage, diversity and runs on the embedded corpus
  maskwright masks --report
  maskwright masks --report --run first --plot masks.png --json
"""


def command(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to mask.")] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(help="Names, or {name: span, …}; by default all that mask."),
    ] = None,
    ratio: Annotated[float, typer.Option(help="The mask ratio.")] = 0.15,
    epochs: Annotated[int, typer.Option(min=1, max=1000, help="How many epochs to show.")] = 5,
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="The seed of the masks.")] = 0,
    run: Annotated[
        str, typer.Option(help="The recipe, YAML file or run whose text and tokenizer are used.")
    ] = "quickstart",
    report: Annotated[
        bool, typer.Option("--report", help="Statistics over a corpus, beside what independent masking gives.")
    ] = False,
    progress: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the run that is done: by default 0, with --report all in turn."),
    ] = None,
    lexicon: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="With --report: tagged sentences, word_TAG; rates by class."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="With --report: save a plot here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --report: print JSON.")] = False,
) -> None:
    """Show what each objective masks: a text over several epochs in colour, or statistics over a corpus."""
    from rich.console import Console

    from ...progress import during

    with during("loading"):
        from ...display import masks
        from ...evaluate.validation.mask_coverage import by_class
        from ...evaluate.validation.mask_coverage import report as measure
        from ...run.build import data, masked
        from ...run.config import Config
        from ...settings.registry import name_of
        from ...text import pos_lexicon

    if not texts and not report:
        raise ValueError('nothing to mask: give a text, as in maskwright masks "Some words.", or --report')
    if (plot or as_json or lexicon) and not report:
        raise ValueError("--plot, --json and --lexicon go with --report")
    if texts and as_json:
        raise ValueError("--json prints the report alone: give no text")
    parts = data(Config.load(run))
    with during("drawing masks"):
        objectives = [one.build(parts.shards, seed) for one in masked(objective, ratio)]
        way = parts.shards.tokenizer, objectives, epochs, seed, progress or 0.0
        shown = [masks.show(text, *way) for text in texts or []]
    for each in shown:
        Console().print(each)
    if report:
        batches = [parts.loader.batch(step, SAMPLE) for step in range(SAMPLE)]
        if progress is not None:
            batches = [replace(rows, progress=progress) for rows in batches]
        with during("counting masks"):
            figures = measure(batches, objectives, epochs, seed)
        if lexicon:
            kinds, counts = pos_lexicon.tokens(pos_lexicon.read(lexicon), parts.shards.tokenizer)
            shares = counts / counts.sum(0).clip(min=1)
            found = [by_class(batches, one, shares, seed) for one in objectives]
            for number, figure in enumerate(figures):  # static, ten masks and dynamic have the same first epoch
                figure["classes"] = dict(zip(kinds, found[number // 3], strict=True))
        Console().print(masks.table(figures)) if not as_json else typer.echo(json.dumps(figures))
        if lexicon and not as_json:
            Console().print(masks.classes_table(kinds, [name_of(one.settings) for one in objectives], found))
        if plot:
            typer.echo(masks.plot(figures, plot), err=True)
