"""Components and pages of the frame, rendered as a browser gets them."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.template import Context, engines
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import include, path
from django.utils import translation
from django_cotton.compiler_regex import CottonCompiler

from evosense.core import views_dev
from evosense.core.templatetags import ui

NOTHING = "\N{EN DASH}"
HOSTILE = '" onfocus="alert(1)" x="'


urlpatterns = [
    path("", lambda request: None, name="overview"),
    path(
        "conta/",
        include(
            (
                [
                    path(f"{name}/", lambda request: None, name=name)
                    for name in ("logout", "preferences", "workspaces", "stream-address")
                ],
                "account",
            )
        ),
    ),
]


@pytest.fixture(autouse=True)
def _english_and_own_addresses(settings):
    settings.ROOT_URLCONF = __name__
    with translation.override("en"):
        yield


@pytest.fixture
def request_of_member():
    request = RequestFactory().get("/")
    request.user = SimpleNamespace(
        is_authenticated=True, pk=1, name="Camila Prado", email="c@a.example"
    )
    request.tenant = SimpleNamespace(
        name="Móveis Aurora", slug="aurora", is_restricted=lambda: False
    )
    request.membership = object()
    return request


def render(source, **context):
    engine = engines["django"].engine
    compiled = CottonCompiler().process("{% load ui %}" + source)
    return engine.from_string(compiled).render(Context(context))


def test_the_component_sheet_renders(request_of_member):
    html = views_dev.components(request_of_member).content.decode()
    assert html.count('<section class="spec">') > 10
    assert "None" not in html
    ids = [part.split('"')[0] for part in html.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("code", [400, 403, 404, 500, 503])
def test_error_pages_render_with_and_without_a_person(code, request_of_member):
    for request in (RequestFactory().get("/"), request_of_member):
        html = render_to_string(f"errors/{code}.html", {"request_id": "7f3a"}, request)
        assert "7f3a" in html
        assert "<h1>" in html


@pytest.mark.parametrize("code", [500, 503])
def test_pages_for_a_broken_house_need_no_context(code):
    assert "<h1>" in render_to_string(f"errors/{code}.html")


def test_strangers_see_no_navigation():
    html = render_to_string("errors/404.html", {}, RequestFactory().get("/"))
    assert "rail" not in html


@pytest.mark.parametrize(
    "source",
    [
        '<c-button :title="value">x</c-button>',
        '<c-badge title="{{ value }}">x</c-badge>',
        '<c-input name="q" value="{{ value }}" label="L" />',
        '<c-avatar name="{{ value }}" title="{{ value }}" />',
    ],
)
def test_no_value_breaks_out_of_its_attribute(source):
    assert 'onfocus="alert' not in render(source, value=HOSTILE)


def test_the_context_of_the_page_does_not_leak_into_components():
    html = render("<c-button>x</c-button>", variant="danger", icon="trash", href="/gone/")
    assert html.strip() == '<button class="btn" type="button">x</button>'


def test_a_disabled_button_says_why():
    html = render('<c-button disabled reason="Only administrators">x</c-button>')
    assert "disabled" in html
    assert 'title="Only administrators"' in html


def test_a_field_at_fault_is_tied_to_its_words():
    html = render('<c-input name="slug" label="Address" error="Taken." value="a" />')
    assert 'aria-invalid="true" aria-describedby="id_slug-error"' in html
    assert '<p class="err" id="id_slug-error">' in html
    assert 'for="id_slug"' in html


def test_a_select_keeps_its_choice_whatever_the_type():
    html = render(
        '<c-select name="n" label="N" :options="options" :value="2" />',
        options=[(1, "a"), (2, "b")],
    )
    assert '<option value="2" selected>b</option>' in html


def test_gaps_of_a_heat_map_are_dashes():
    rows = [SimpleNamespace(label="mon", values=[None, 0, 9], now=2)]
    html = render(
        '<c-heat-map caption="c" :columns="columns" :rows="rows" top="9" />',
        columns=["a", "b", "c"],
        rows=rows,
    )
    assert 'class="na">' + NOTHING + "<" in html
    assert 'class="q5 now">9<' in html


def test_other_attributes_are_passed_on_and_false_ones_are_not():
    assert ui.html_attrs(
        {"hx-get": "/a?b=1&c=2", "hidden": False, "data-x": None, "required": True}
    ) == (' hx-get="/a?b=1&amp;c=2" required')


def test_hues_are_stable():
    assert ui.avatar_hue("Marlene Figueira") == ui.avatar_hue("Marlene Figueira")
    assert {ui.avatar_hue(n) for n in range(200)} == {f"h{n}" for n in range(1, 8)}


def test_times_carry_the_exact_moment_and_its_zone():
    html = ui.when(datetime(2025, 11, 18, 13, 42, tzinfo=UTC))
    assert 'datetime="2025-11-18T13:42:00+00:00"' in html
    assert 'title="' in html
    assert NOTHING in ui.when(None)


def test_no_value_is_a_dash_and_never_zero():
    assert [ui.num(None), ui.num(""), ui.num(0), ui.num(1204), ui.filesize_short(None)] == [
        NOTHING,
        NOTHING,
        "0",
        "1,204",
        NOTHING,
    ]
    assert [ui.filesize_short(900), ui.filesize_short(188_416), ui.filesize_short(2_516_582)] == [
        "900 B",
        "184 KB",
        "2.4 MB",
    ]


def test_receipts_differ_in_words():
    said = {
        status: str(ui.tick(status))
        for status in ("pending", "sent", "delivered", "read", "played", "failed")
    }
    assert all("aria-label" in html for html in said.values())
    assert len(set(said.values())) == 6


def test_json_that_is_no_json_is_shown_as_it_came():
    assert ui.json_html(b"{broken <") == "{broken &lt;"
