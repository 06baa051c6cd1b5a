"""maskwright sweep"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 66
EXAMPLES = """Examples

  maskwright train diffusion --out d
  maskwright train remask training.init_from=d --out r
  maskwright train diffusion objective.name=causal --out c
  maskwright sweep d mdlm llada remdm+eta=0.1 learned --scorer c --remasker r
  maskwright sweep d --scorer c --passes 16,64 --seeds 5 --json
  maskwright sweep d mdlm+temperature=0.7 mdlm llada+temperature=0.7 --scorer c
  maskwright sweep d llada+order=random maskgit --scorer c --temperature 0.8 \\
      --schedule cosine --out cold

Run the same command again to resume. Results: OUT/results.json, results.csv,
sweep.svg, pareto.svg (quality against variety), and the texts in cells/.
"""


def command(
    run: Annotated[
        Path, typer.Argument(help="A run or a checkpoint whose model fills masks or predicts the next token.")
    ],
    samplers: Annotated[
        list[str] | None,
        typer.Argument(metavar="SAMPLER[+OPTION=VALUE]…", help="By default all that fit the models."),
    ] = None,
    scorer: Annotated[Path, typer.Option(help="A causal run, with the same text and tokenizer, that judges.")] = ...,  # type: ignore[assignment]
    remasker: Annotated[
        Path | None, typer.Option(help="A run that detects wrong tokens, for the samplers that need one.")
    ] = None,
    passes: Annotated[
        str, typer.Option(help="Forward passes for a text, those of the remasker included.")
    ] = "8,16,32,64",
    seeds: Annotated[str, typer.Option(help="How many (3 means 0, 1, 2), or which (5,7).")] = "3",
    prompts: Annotated[int, typer.Option(help="Texts of each seed, each with the beginning of a held-out text.")] = 64,
    length: Annotated[int, typer.Option(help="Tokens in a text, the prompt included.")] = 64,
    prompt_length: Annotated[int, typer.Option(help="Tokens of held-out text that a text begins with.")] = 16,
    schedule: Annotated[
        str, typer.Option(help="The share masked after each step: linear, cosine or exponential.")
    ] = "linear",
    block_length: Annotated[
        int | None, typer.Option(help="Write in blocks of so many tokens, from left to right.")
    ] = None,
    temperature: Annotated[
        str, typer.Option(help="0 always takes the most probable token; {start: 1.2, end: 0.6} changes over the steps.")
    ] = "1.0",
    top_k: Annotated[int, typer.Option(help="Sample from the k most probable tokens; 0 for all.")] = 0,
    top_p: Annotated[
        float, typer.Option(help="Nucleus sampling: the most probable tokens with this total probability.")
    ] = 1.0,
    guidance: Annotated[
        float, typer.Option(help="Classifier-free guidance towards the prompt; a second forward pass in each step.")
    ] = 0.0,
    out: Annotated[Path, typer.Option(help="The folder that results are written to.")] = Path("sweep"),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare samplers at equal numbers of forward passes: quality, diversity and consistency over seeds."""
    from rich.console import Console

    from ...progress import during

    with during("loading", not quiet):
        from ...compare.samplers import display
        from ...compare.samplers.cells import SweepOptions, opened
        from ...compare.samplers.sweep import carry_out
        from ...run.load import load
        from ...settings import from_mapping, override
        from ...settings.outside import trusting

    wished = {
        "samplers": tuple(samplers or ()), "scorer": scorer, "remasker": remasker, "seeds": seeds, "prompts": prompts,
        "length": length, "prompt_length": prompt_length, "schedule": schedule, "block_length": block_length,
        "top_k": top_k, "top_p": top_p, "guidance": guidance,
    }  # fmt: skip
    options = from_mapping(
        SweepOptions, override(wished, [f"passes=[{passes}]", f"temperature={temperature}"]), "sweep"
    )
    with trusting(*(spec.partition("+")[0] for spec in options.samplers)):
        swept = carry_out(opened(load(run), options), out, show=not quiet)
    swept.write(out)
    typer.echo(json.dumps(vars(swept))) if as_json else Console().print(display.table(swept))
    typer.echo(display.plot(swept, out / "sweep.svg"), err=True)
    typer.echo(display.plot_front(swept, out / "pareto.svg"), err=True)
