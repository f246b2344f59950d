import json

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from evosense.core import htmx

PAGE = "<main>{% partialdef rows inline %}<p>{{ n }}</p>{% endpartialdef %}</main>"


@pytest.fixture
def page(tmp_path, settings):
    settings.ROOT_URLCONF = "evosense.core.tests.test_components"
    templates = settings.TEMPLATES
    (tmp_path / "page.html").write_text(PAGE)
    settings.TEMPLATES = [{**templates[0], "DIRS": [tmp_path, *templates[0]["DIRS"]]}]
    return "page.html"


def request(**headers):
    made = RequestFactory().get("/", headers=headers)
    made.htmx = HtmxDetails(made)
    return made


def test_a_browser_gets_the_page(page):
    response = htmx.render_page(request(), page, {"n": 1}, partial="rows")
    assert response.content == b"<main><p>1</p></main>"
    assert response["Vary"] == "HX-Request"


def test_htmx_gets_the_fragment(page):
    response = htmx.render_page(request(**{"HX-Request": "true"}), page, {"n": 1}, partial="rows")
    assert response.content == b"<p>1</p>"
    assert response["Vary"] == "HX-Request"


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_boosted_links_and_rebuilt_history_get_the_page(page, header):
    made = request(**{"HX-Request": "true", header: "true"})
    assert b"<main>" in htmx.render_page(made, page, {"n": 1}, partial="rows").content


def test_a_failed_form_keeps_its_status(page):
    assert htmx.render_page(request(), page, {}, status=422).status_code == 422


def test_toasts_and_triggers_travel_together():
    response = htmx.toast(HttpResponse(), "Saved", "warn")
    htmx.trigger(response, "contact-merged", {"id": "1"})
    assert json.loads(response["HX-Trigger"]) == {
        "toast": {"message": "Saved", "level": "warn"},
        "contact-merged": {"id": "1"},
    }


def test_both_kinds_of_client_are_sent_on():
    assert htmx.redirect_client(request(), "/x/")["Location"] == "/x/"
    assert htmx.redirect_client(request(**{"HX-Request": "true"}), "/x/")["HX-Redirect"] == "/x/"
