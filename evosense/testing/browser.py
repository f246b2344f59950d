"""Tests marked `browser` need Chromium: skipped loudly without one, refused under CI=true."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
REASON = "no Chromium on this machine; `bash .ci/run` installs it"


def chromium() -> str | None:
    """Return the path of the installed browser."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = chromium()
    if found is None:
        pytest.skip(REASON)
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    concerned = [item for item in items if item.get_closest_marker("browser")]
    if not concerned or chromium():
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError(f"{len(concerned)} browser tests cannot run: {REASON}")
    for item in concerned:
        item.add_marker(pytest.mark.skip(reason=REASON))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    unseen = [report for report in skipped if REASON in str(report.longrepr)]
    if unseen:
        terminalreporter.write_line(f"NOT RUN: {len(unseen)} browser tests, {REASON}", yellow=True)
