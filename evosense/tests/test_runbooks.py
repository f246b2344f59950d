"""What operators read during an incident must be true: commands, metrics, alerts and links."""

import json
import re
import shlex

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from evosense import house_metrics
from evosense.core import metrics
from evosense.local.home import PROJECT
from messaging.ingest.receiver import metrics as receiver_metrics

PAGES = sorted(
    [*PROJECT.glob("docs/runbooks/*.md"), *PROJECT.glob("docs/*.md"), PROJECT / "README.md"]
)
RULES = [
    rule
    for group in yaml.safe_load((PROJECT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((PROJECT / "deploy/grafana/house.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
]
# An example's placeholder, not an argument.
_STOP = re.compile(r"[`|;,)…]|\s#|&&|\.\s|\.$")


def commands_in(text):
    """Return the arguments after each `manage.py` or `make manage ARGS=` of a page."""
    found = re.findall(r"manage\.py ([a-z_]+[^\n]*)", text)
    found += re.findall(r'make manage ARGS="([a-z_]+[^"\n]*)"', text)
    return [_STOP.split(line)[0].strip() for line in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_exists_and_takes_its_options(page):
    for line in commands_in(page.read_text()):
        name, *arguments = shlex.split(line)
        assert name in get_commands(), f"{page.name}: manage.py {name}"
        command = load_command_class(get_commands()[name], name)
        parser = command.create_parser("manage.py", name)
        offered = {option for action in _all_actions(parser) for option in action.option_strings}
        unknown = [
            each
            for each in arguments
            if each.startswith("--") and each.split("=")[0] not in offered
        ]
        assert unknown == [], f"{page.name}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_what_needs_the_tables_owner_or_the_spool_is_not_asked_of_web(page):
    # `web` is the role that may only read and write rows, and sees the spool read-only.
    asked = re.findall(r"(?:exec|run --rm) web python manage\.py ([a-z_]+)", page.read_text())
    beyond = {"setup", "migrate", "tenants", "scaling", "database_roles"}
    beyond |= {"ingest_partitions", "ingest_drain"}
    beyond |= {f"tenant_{act}" for act in ("create", "export", "import", "swap", "delete")}
    assert not beyond & set(asked)


@pytest.mark.parametrize("expression", sorted(set(EXPRESSIONS)))
def test_alerts_and_dashboard_ask_for_numbers_that_exist(expression):
    asked = set(re.findall(r"\b(?:evosense|receiver)_[a-z_]+", expression))

    assert asked
    assert asked <= exported_names(), asked - exported_names()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_leads_to_a_runbook(rule):
    page = PROJECT / "docs/runbooks" / rule["annotations"]["runbook"]

    assert page.exists()
    assert rule["alert"] in page.read_text(), f"{page.name} does not say how {rule['alert']} shows"
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_labels_in_alerts_exist():
    answers = set(
        re.findall(
            r'Answer\("([a-z_]+)"', (PROJECT / "messaging/ingest/receiver/answers.py").read_text()
        )
    )

    for rule in RULES:
        for wanted in re.findall(r'answer=~"([^"]+)"', rule["expr"]):
            assert set(wanted.split("|")) <= answers


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:\s]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} → {target}"


def test_the_index_names_every_runbook():
    index = (PROJECT / "docs/runbooks/README.md").read_text()
    pages = [path.name for path in PROJECT.glob("docs/runbooks/*.md") if path.name != "README.md"]

    assert len(pages) >= 10
    assert all(f"({name})" in index for name in pages)


def exported_names():
    house_metrics.register()
    names = set(metrics.gauge_names())
    for module in (metrics, receiver_metrics):
        for metric in vars(module).values():
            for family in metric.collect() if hasattr(metric, "_labelnames") else []:
                names |= {
                    family.name,
                    *(f"{family.name}{end}" for end in ("_total", "_bucket", "_count", "_sum")),
                }
    return names


def _all_actions(parser):
    for action in parser._actions:
        yield action
        for sub in (
            (getattr(action, "choices", None) or {}).values()
            if isinstance(getattr(action, "choices", None), dict)
            else ()
        ):
            yield from _all_actions(sub)
