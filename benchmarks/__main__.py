"""`make bench`: runs every benchmark and prints its tables; with --write also docs/benchmarks.md.

python -m benchmarks [receiver|apply|lists|fleet|archive|sending|vector_search|providers …]
    [--write]
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = (
    "receiver",
    "analysis",
    "apply",
    "provision",
    "lists",
    "fleet",
    "archive",
    "sending",
    "vector_search",
    "providers",
)
HEAD = """# Benchmarks

Printed by `make bench` on {cores} cores of a shared machine, PostgreSQL 18 and Redis embedded.
Read the ratios: both sides of each were measured in the same run; absolute numbers move with
the machine.

"""


def run(name: str) -> tuple[int, str]:
    """Run one benchmark in a process of its own, so that none warms another's caches."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    outcome = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(outcome.stdout, flush=True)
    return outcome.returncode, outcome.stdout


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], default=[])
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    results = [run(name) for name in options.names or NAMES]
    if options.write:
        text = HEAD.format(cores=os.cpu_count()) + "\n".join(part.strip() for _c, part in results)
        (ROOT / "docs" / "benchmarks.md").write_text(text + "\n")
    sys.exit(max(code for code, _part in results))


if __name__ == "__main__":
    main()
