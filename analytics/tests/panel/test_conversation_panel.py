"""The analysis of a whole conversation: asked for, waited for, shown; and suggested replies."""

import pytest

from analytics.analysis.conversations import analyse_conversation
from analytics.models import ConversationAnalysis
from evosense.core.schema import tenant_scope
from messaging.tests.factories import make_contact, make_conversation, make_message

pytestmark = pytest.mark.usefixtures("tenant")
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def talk():
    talk = make_conversation(contact=make_contact("Ana"))
    make_message(talk, text="Meu pedido não chegou, estou muito chateada")
    make_message(talk, text="Vamos verificar agora", direction="outbound")
    make_message(talk, text="Chegou! Muito obrigada, adorei o atendimento")
    return talk


@pytest.fixture
def queued(monkeypatch):
    """Return what was put in the fair order, instead of putting it there."""
    from analytics.views.panel import conversations

    asked = []
    monkeypatch.setattr(
        conversations, "fair_enqueue", lambda *args, **kwargs: asked.append((args[0], kwargs))
    )
    return asked


def url_of(talk, act=""):
    return f"/analise/conversas/{talk.public_id}/{act}"


def page(client, url, status=200, **headers):
    response = client.get(url, **headers)
    assert response.status_code == status
    return response.content.decode()


def test_a_conversation_without_an_analysis_offers_one(client_for, talk):
    assert "analisar/" in page(client_for("agent"), url_of(talk), **HTMX)
    assert "analisar/" not in page(client_for("viewer"), url_of(talk), **HTMX)


def test_asking_queues_it_and_the_section_looks_again(client_for, talk, queued):
    response = client_for("agent").post(url_of(talk, "analisar/"), **HTMX)
    html = response.content.decode()
    assert queued == [("ai", {"conversation_pk": talk.pk, "trigger": "asked"})]
    assert "?vez=2&amp;desde=0" in html
    again = page(client_for("agent"), url_of(talk) + "?vez=2&desde=0", **HTMX)
    assert "?vez=3&amp;desde=0" in again
    analyse_conversation(talk.pk, "asked")
    done = page(client_for("agent"), url_of(talk) + "?vez=3&desde=0", **HTMX)
    assert "vez=" not in done
    assert "analisar/" not in done


def test_it_stops_looking_some_day(client_for, talk):
    html = page(client_for("agent"), url_of(talk) + "?vez=99&desde=0", **HTMX)
    assert "vez=" not in html
    assert "c-warn" in html


@pytest.mark.parametrize("query", ["?vez=x", "?vez=-1&desde=²", "?vez=" + "9" * 40])
def test_odd_addresses_do_no_harm(client_for, talk, query):
    page(client_for("agent"), url_of(talk) + query)


def test_without_script_one_is_sent_back_to_the_page(client_for, talk, queued):
    response = client_for("agent").post(url_of(talk, "analisar/"))
    assert response.status_code == 302
    assert queued
    assert "vez=2" in page(client_for("agent"), response["Location"])


def test_the_latest_analysis_is_shown_with_its_evidence(client_for, talk):
    analyse_conversation(talk.pk, "closed")
    row = ConversationAnalysis.objects.get()
    first = make_message(talk, text="e agora?")
    row.evidence = [first.pk, 999_999]
    row.category, row.summary = "entrega", "Atrasou <b>e</b> chegou"
    row.save()
    html = page(client_for("viewer"), url_of(talk))
    assert f"?mensagem={first.public_id}#m-{first.public_id}" in html
    assert html.count("?mensagem=") == 1
    assert "Atrasou &lt;b&gt;e&lt;/b&gt; chegou" in html


def test_new_messages_make_it_worth_asking_again(client_for, talk):
    analyse_conversation(talk.pk, "asked")
    assert "analisar/" not in page(client_for("agent"), url_of(talk), **HTMX)
    make_message(talk, text="Voltou a dar problema")
    assert "analisar/" in page(client_for("agent"), url_of(talk), **HTMX)


def test_three_replies_are_suggested_and_none_is_sent(client_for, talk):
    before = talk.messages.count()
    response = client_for("agent").post(url_of(talk, "respostas/"), **HTMX)
    assert response.status_code == 200
    assert response.content.decode().count('data-controller="copy"') == 3
    assert talk.messages.count() == before
    assert client_for("viewer").post(url_of(talk, "respostas/")).status_code == 403


def test_nothing_said_is_said(client_for):
    response = client_for("agent").post(url_of(make_conversation(), "respostas/"), **HTMX)
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()


def test_another_companys_conversation_is_not_there(client_for, other_tenant):
    with tenant_scope(other_tenant):
        foreign = make_conversation()
    page(client_for("owner"), url_of(foreign), 404)
    for act in ("analisar/", "respostas/"):
        assert client_for("owner").post(url_of(foreign, act)).status_code == 404


def test_the_thread_pulls_the_section(client_for, talk):
    html = page(client_for("agent"), f"/conversas/{talk.public_id}/")
    assert f'hx-get="{url_of(talk)}"' in html
