"""What axe finds on a page: only that is brought back, and its script is read once a document.

The wrapper's own `run` hands over every element that any rule has looked at, passed or not: on
a full page that is most of the time.
"""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
_FIND = """async (tags) => {
  const options = { resultTypes: ["violations"], elementRef: false };
  if (tags.length) options.runOnly = tags;
  const { violations } = await axe.run(options);
  return violations.map(({ id, nodes }) => [id, nodes[0].html.slice(0, 160)]);
}"""


def axe_violations(page: Page, tags: tuple[str, ...] = WCAG) -> list[tuple[str, str]]:
    """Return each broken rule with the first element that breaks it; no tags mean every rule."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[Any] = page.evaluate(_FIND, list(tags))
    return [(rule, html) for rule, html in found]
