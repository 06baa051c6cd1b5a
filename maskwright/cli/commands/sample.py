"""maskwright sample"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 65
EXAMPLES = """
[bold]Examples[/]

  maskwright train quickstart objective.name=diffusion --out d\n
  maskwright train quickstart objective.name=remask training.init_from=d --out r\n
  maskwright sample d --length 40 --steps 32\n
  maskwright sample d --prompt "The function returns" --sampler remdm strategy=rescale eta=0.1\n
  maskwright sample d --prompt "If the [MASK] is empty, [MASK] is raised." --html replay.html\n
  maskwright sample d --remasker r --sampler learned randomness=0.3 --count 8 --json\n
  maskwright sample d --remasker r --sampler learned --edit "The strings returns a function."\n
  maskwright train quickstart objective.name=causal --out c\n
  maskwright sample c --prompt "The function returns" --temperature 0.8 --top-p 0.95
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a run whose model fills masks or names what comes next.")],
    knobs: Annotated[list[str] | None, typer.Argument(metavar="[KNOB=VALUE]...", help="Of the sampler.")] = None,
    sampler: Annotated[
        str | None,
        typer.Option(help="A file in `samplers/`; by default mdlm, or left_to_right where masks are never filled."),
    ] = None,
    remasker: Annotated[Path | None, typer.Option(help="The folder of a run that finds wrong tokens.")] = None,
    prompt: Annotated[str, typer.Option(help="What the text begins with; [MASK] in it is a gap to fill.")] = "",
    edit: Annotated[str | None, typer.Option(help="A text to polish instead.")] = None,
    length: Annotated[int | None, typer.Option(help="Tokens in a text; by default 64, or those of a prompt.")] = None,
    steps: Annotated[int, typer.Option(help="How often the model is asked; left_to_right: once for each token.")] = 64,
    schedule: Annotated[
        str, typer.Option(help="The share masked after each step: linear, cosine, exponential, or a list 0.5,0.2.")
    ] = "linear",
    start_ratio: Annotated[
        float | None, typer.Option(help="The share masked at the start; by default 1, with --edit 0.3.")
    ] = None,
    block_length: Annotated[
        int | None, typer.Option(help="Write in blocks of so many tokens, from left to right.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="0 for the best token always.")] = 1.0,
    top_k: Annotated[int, typer.Option(help="Draw from so many best tokens; 0 for all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Draw from the best tokens that hold this probability.")] = 1.0,
    count: Annotated[int, typer.Option(help="How many texts.")] = 1,
    seed: Annotated[int, typer.Option(help="Decides every draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page on which the texts form again.")] = None,
) -> None:
    """Write texts by unmasking step by step, or from left to right; watch them form."""
    from ...display.samples import write
    from ...sampling.request import SampleRequest
    from ...settings import from_mapping
    from ...settings.outside import trusting

    wished = {
        "run": run, "remasker": remasker, "sampler": sampler, "sampler_options": tuple(knobs or ()), "prompt": prompt,
        "edit": edit, "length": length, "steps": steps, "schedule": schedule, "start_ratio": start_ratio,
        "block_length": block_length, "seed": seed, "temperature": temperature, "top_k": top_k, "top_p": top_p,
        "count": count,
    }  # fmt: skip
    with trusting(sampler):
        found = write(from_mapping(SampleRequest, wished, ""), live=not as_json, html=html)
    whole = {"texts": found.texts, "sampler": found.sampler, "seed": seed}
    typer.echo(json.dumps(whole) if as_json else "\n\n".join(found.texts))
