"""An exported folder as a model of sentence-transformers: how a text's vector is made of those of its tokens.

The files are those that sentence-transformers has written and read since its version 2; the weights stay as they are.
"""

import json
from pathlib import Path
from typing import Literal

from ...files.json_files import read_object
from ...storage.atomic import atomic_write

Pooling = Literal["mean", "cls", "lasttoken"]
"""The vector of a text: the mean over its tokens, or that of its first or last one."""
MODULES = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
"""The folder and the class of each module."""
FLAGS = {"mean": "mean_tokens", "cls": "cls_token", "lasttoken": "lasttoken"}


def write(folder: Path, causal: bool, pooling: Pooling | None = None) -> str:
    """Write the modules beside an exported model in `folder`, and say which pooling it is.

    pooling: by default the mean, and the last token of a model that reads forward, which alone has read all of them.
    """
    chosen: Pooling = pooling or ("lasttoken" if causal else "mean")
    width = read_object(folder / "config.json")["hidden_size"]
    listed = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (path, kind) in enumerate(MODULES.items())
    ]
    flags = {f"pooling_mode_{flag}": name == chosen for name, flag in FLAGS.items()}
    for path in MODULES:
        (folder / path).mkdir(exist_ok=True)
    atomic_write(folder / "modules.json", json.dumps(listed, indent=2))
    atomic_write(folder / "1_Pooling/config.json", json.dumps({"word_embedding_dimension": width} | flags, indent=2))
    why = "as asked for" if pooling else "the last token has read all others" if causal else "it read both ways"
    return f"sentence-transformers: vectors of texts by pooling={chosen}, {why}; of length 1"
