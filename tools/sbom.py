"""Write what an installation consists of, as CycloneDX JSON: the same locks give the same bytes.

.venv/bin/python tools/sbom.py [FILE]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
TOOL = str(Path(sys.executable).parent / "cyclonedx-py")
LOCK = PROJECT / "requirements.txt"
DEFAULT = PROJECT / "var" / "sbom.json"


def write(target: Path) -> Path:
    """Write the bill of materials of the run-time lock to `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    options = ["--output-reproducible", "--short-PURLs", "--of", "JSON", "--sv", "1.6"]
    project = ["--pyproject", str(PROJECT / "pyproject.toml")]
    # Without an index of its own the file would name whichever this machine installs from.
    index = ["-i", "https://pypi.org/simple"]
    subprocess.run(
        [TOOL, "requirements", *options, *project, *index, "-o", str(target), str(LOCK)],
        check=True,
        capture_output=True,
    )
    return target


if __name__ == "__main__":
    written = write(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
    sys.stdout.write(f"{written}\n")
