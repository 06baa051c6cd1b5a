"""maskwright sample"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 65
EXAMPLES = """Examples

  maskwright train quickstart objective.name=diffusion --out d
  maskwright train quickstart objective.name=remask training.init_from=d --out r
  maskwright sample d --length 40 --steps 32
  maskwright sample d --prompt "The function returns" --sampler remdm \\
      strategy=rescale eta=0.1
  maskwright sample d --prompt "If the [MASK] is empty, [MASK] is raised." \\
      --html replay.html
  maskwright sample d --remasker r --sampler learned randomness=0.3 --count 8 \\
      --json
  maskwright sample d --remasker r --sampler learned \\
      --edit "The strings returns a function."
  maskwright train quickstart objective.name=causal --out c
  maskwright sample c --prompt "The function returns" --temperature 0.8 \\
      --top-p 0.95
"""


def command(
    run: Annotated[
        Path, typer.Argument(help="A run or a checkpoint whose model fills masks or predicts the next token.")
    ],
    options: Annotated[list[str] | None, typer.Argument(metavar="OPTION=VALUE", help="Options of the sampler.")] = None,
    sampler: Annotated[
        str | None,
        typer.Option(help="One of `maskwright options sampler`; by default mdlm, or left_to_right for a causal model."),
    ] = None,
    remasker: Annotated[
        Path | None, typer.Option(help="A run that detects wrong tokens, for the samplers that need one.")
    ] = None,
    prompt: Annotated[str, typer.Option(help="What the text begins with; [MASK] in it is a gap to fill.")] = "",
    edit: Annotated[str | None, typer.Option(help="A text to revise instead.")] = None,
    gap: Annotated[
        int | None,
        typer.Option(help="Room of each [MASK] in the prompt, in tokens, for models trained with objective.gaps."),
    ] = None,
    length: Annotated[int | None, typer.Option(help="Tokens in a text; by default 64, or those of a prompt.")] = None,
    steps: Annotated[int, typer.Option(help="Forward passes of the model; left_to_right takes one a token.")] = 64,
    schedule: Annotated[
        str, typer.Option(help="The share masked after each step: linear, cosine, exponential, or a list 0.5,0.2.")
    ] = "linear",
    start_ratio: Annotated[
        float | None, typer.Option(help="The share masked at the start; by default 1, with --edit 0.3.")
    ] = None,
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
    count: Annotated[int, typer.Option(help="How many texts.")] = 1,
    seed: Annotated[int, typer.Option(help="The random seed.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Also write a page that replays the steps.")] = None,
) -> None:
    """Generate texts by unmasking step by step or from left to right, shown as they form."""
    from ...progress import during

    with during("loading"):
        from ...display.samples import write
        from ...sampling.request import SampleRequest
        from ...settings import from_mapping, override
        from ...settings.outside import trusting

    wished = {
        "run": run, "remasker": remasker, "sampler": sampler, "sampler_options": tuple(options or ()), "prompt": prompt,
        "edit": edit, "length": length, "steps": steps, "schedule": schedule, "start_ratio": start_ratio,
        "block_length": block_length, "seed": seed, "top_k": top_k, "top_p": top_p,
        "guidance": guidance, "count": count, "gap": gap,
    }  # fmt: skip
    with trusting(sampler):
        found = write(
            from_mapping(SampleRequest, override(wished, [f"temperature={temperature}"]), ""),
            live=not as_json,
            html=html,
        )
    whole = {"texts": found.texts, "sampler": found.sampler, "seed": seed}
    typer.echo(json.dumps(whole) if as_json else "\n\n".join(found.texts))
