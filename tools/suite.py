"""The suite of `make test`, and a second look at the few tests that failed.

Some thousand tests kill real processes beside others that use both cores; now and then one of
them runs out of time. A failure that comes back alone is a fault. One that does not is named as
depending on chance, because the next reader has to mend it. More than a few are never excused.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
MOST_EXCUSED = 3
SOME_FAILED = 1


def main() -> int:
    """Return pytest's code: of the whole suite, or of the second look where there was one."""
    FAILED.unlink(missing_ok=True)
    code = pytest(*sys.argv[1:])
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if code != SOME_FAILED or not 0 < len(failed) <= MOST_EXCUSED:
        return code
    say(f"evosense: {len(failed)} failed; each is run once more, alone")
    code = pytest(*failed)
    if code == 0:
        say("evosense: passed alone, so they depend on chance and are to be mended:", *failed)
    return code


def pytest(*arguments: str) -> int:
    """Run pytest in a process of its own and return its code."""
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def say(*lines: str) -> None:
    """Print, before what the next process prints."""
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
