"""Run a benchmark and keep what it finds, with what one must know of the machine to believe it.

    python benchmarks/keep.py benchmarks/train_step.py --only "modern/modernbert, sparse" --busy
    python benchmarks/keep.py maskwright masks --report --epochs 10

Everything after the script, or the command of `maskwright`, is handed to it. The figures go to
results/NAME-MACHINE.json beside the script, or here, an entry for each command; the same again replaces its own.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import torch

from maskwright.display.machine import report
from maskwright.hardware import cpu_name


def main() -> None:
    ours = sys.argv[1] == "maskwright"
    script, arguments = Path(__file__).with_name(sys.argv[2]) if ours else Path(sys.argv[1]), sys.argv[2:]
    load = os.getloadavg()[0]
    program = ["-m", "maskwright"] if ours else [script]
    done = subprocess.run([sys.executable, *program, *arguments, "--json"], stdout=subprocess.PIPE, check=True)
    machine = re.sub(r"\W+", "-", cpu_name()).lower()
    path = script.parent / "results" / f"{script.stem}-{machine}.json"
    kept = json.loads(path.read_text()) if path.exists() else {"runs": {}}
    kept["machine"] = {line.name: line.value for line in report()}
    called = ["maskwright"] if ours else ["python", f"benchmarks/{script.name}"]
    kept["runs"][shlex.join([*called, *arguments])] = {
        "date": date.today().isoformat(),
        "load before": round(load, 2),
        "threads": os.environ.get("OMP_NUM_THREADS", torch.get_num_threads()),
        "cases": json.loads(done.stdout),
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
