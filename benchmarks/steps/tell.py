"""What was found, as a table or as one JSON object."""

import json

from rich.console import Console
from rich.table import Table


def tell(cases: dict[str, dict], as_json: bool, title: str, case: str, ours: str, peer: str) -> None:
    """Print the comparisons; `case`, `ours` and `peer` head the columns."""
    if as_json:
        print(json.dumps(cases))
        return
    table = Table(case, ours, peer, "ratio", "quartiles", title=title)
    for name, row in cases.items():
        table.add_row(name, f"{row['ours']:,.0f}", f"{row['peer']:,.0f}", f"{row['ratio']:.3f}", str(row["spread"]))
    Console().print(table)
