"""What the page of an experiment offers that is held or cancelled, and how it says a finding."""

import re

import pytest

from analytics.experiments.running import cancel_run
from analytics.models import ExperimentRun
from analytics.tests.experiments.factories import make_run
from analytics.tests.experiments.test_pages import compared_run, page_of, url

pytestmark = pytest.mark.usefixtures("tenant")
FIELD = 'name="budget"'


def test_a_run_held_by_its_own_budget_asks_for_a_larger_one(client_for):
    browser = client_for("admin")
    run = make_run(status="paused", error="budget", budget_micros=5_000_000)
    assert FIELD in page_of(browser, url("detail", run))
    for budget in ("", "5", "4,99"):
        browser.post(url("resume", run), {"budget": budget})
        assert ExperimentRun.objects.get(pk=run.pk).status == "paused"
        assert "libere mais que o orçamento" in page_of(browser, url("detail", run))
    browser.post(url("resume", run), {"budget": "5,01"})
    run.refresh_from_db()
    assert (run.status, run.error, run.budget_micros) == ("running", "", 5_010_000)


def test_a_run_held_by_the_company_goes_on_without_a_budget_of_its_own(client_for):
    browser = client_for("admin")
    run = make_run(status="paused", error="company_budget")
    page = page_of(browser, url("detail", run))
    assert FIELD not in page
    assert "configurações de análise" in page
    browser.post(url("resume", run))
    assert ExperimentRun.objects.get(pk=run.pk).status == "running"


def test_a_cancelled_run_asks_for_nothing_and_decides_nothing(client_for):
    run = compared_run()
    ExperimentRun.objects.filter(pk=run.pk).update(status="paused", error="budget")
    run.refresh_from_db()
    cancel_run(run)
    page = page_of(client_for("owner"), url("detail", run))
    assert "Libere mais" not in page
    assert "Foi cancelado antes do fim: olhe, não decida." in page
    assert "Foi cancelado: nada dele pode ser promovido." in page
    assert url("promote", run) not in page


def test_the_headline_says_its_interval_in_points(client_for):
    page = page_of(client_for("admin"), url("detail", compared_run()))
    assert re.search(r"fica entre \S+\d e \S+\d pontos \(IC 95%\)", page)
