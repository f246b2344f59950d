"""The analysis of a whole conversation: asked for, waited for, shown; and suggested replies."""

import pytest

from analytics.analysis.conversations import analyse_conversation
from analytics.errands import work
from analytics.models import ConversationAnalysis, Errand
from analytics.tests.errands.helpers import do_waiting
from evosense.core.schema import tenant_scope
from messaging.tests.factories import START, make_contact, make_conversation, make_message

pytestmark = pytest.mark.usefixtures("tenant")
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def talk():
    talk = make_conversation(contact=make_contact("Ana"))
    make_message(talk, text="Meu pedido não chegou, estou muito chateada")
    make_message(talk, text="Vamos verificar agora", direction="outbound")
    make_message(talk, text="Chegou! Muito obrigada, adorei o atendimento")
    return talk


def url_of(talk, act=""):
    return f"/analise/conversas/{talk.public_id}/{act}"


def page(client, url, status=200, **headers):
    response = client.get(url, **headers)
    assert response.status_code == status
    return response.content.decode()


def test_a_conversation_without_an_analysis_offers_one(client_for, talk):
    assert "analisar/" in page(client_for("agent"), url_of(talk), **HTMX)
    assert "analisar/" not in page(client_for("viewer"), url_of(talk), **HTMX)


LOOKS = 'hx-trigger="load delay:2s"'


def test_asking_queues_it_and_the_section_looks_again(client_for, talk):
    client = client_for("agent")
    html = client.post(url_of(talk, "analisar/"), **HTMX).content.decode()
    assert LOOKS in html
    assert LOOKS in page(client, url_of(talk), **HTMX)
    # In another tab, and for a colleague.
    assert LOOKS in page(client_for("supervisor"), url_of(talk))
    assert [row.state for row in do_waiting()] == ["done"]
    done = page(client, url_of(talk), **HTMX)
    assert LOOKS not in done
    assert "analisar/" not in done


def test_two_clicks_are_one_analysis(client_for, talk):
    for role in ("agent", "agent", "supervisor"):
        assert client_for(role).post(url_of(talk, "analisar/")).status_code == 302
    assert Errand.objects.count() == 1


def test_it_stops_looking_some_day(client_for, talk):
    client_for("agent").post(url_of(talk, "analisar/"))
    Errand.objects.update(expires_at=START)
    html = page(client_for("agent"), url_of(talk), **HTMX)
    assert LOOKS not in html
    assert "c-warn" in html
    assert "analisar/" in html


def test_without_script_one_is_sent_back_to_the_page(client_for, talk):
    response = client_for("agent").post(url_of(talk, "analisar/"))
    assert response.status_code == 302
    assert LOOKS in page(client_for("agent"), response["Location"])


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
    client = client_for("agent")
    response = client.post(url_of(talk, "respostas/"), **HTMX)
    assert response.status_code == 200
    assert 'hx-trigger="every 1s"' in response.content.decode()
    do_waiting()
    html = page(client, url_of(talk, "respostas/"), **HTMX)
    assert html.count('data-controller="copy"') == 3
    assert "hx-trigger" not in html
    assert talk.messages.count() == before
    assert client_for("viewer").post(url_of(talk, "respostas/")).status_code == 403
    assert client_for("viewer").get(url_of(talk, "respostas/")).status_code == 403


def test_replies_come_after_a_reload_to_whom_they_were_promised(client_for, talk):
    client = client_for("agent")
    assert client.post(url_of(talk, "respostas/")).status_code == 302
    assert 'hx-trigger="load"' in page(client, url_of(talk), **HTMX)
    assert 'hx-trigger="load"' not in page(client_for("supervisor"), url_of(talk), **HTMX)
    do_waiting()
    assert 'hx-trigger="load"' not in page(client, url_of(talk), **HTMX)
    assert page(client, url_of(talk, "respostas/")).count('data-controller="copy"') == 3
    other = page(client_for("supervisor"), url_of(talk, "respostas/"))
    assert 'data-controller="copy"' not in other


def test_replies_that_failed_or_were_late_say_so(client_for, talk, monkeypatch):
    client = client_for("agent")
    client.post(url_of(talk, "respostas/"))
    Errand.objects.update(expires_at=START)
    assert 'role="alert"' in page(client, url_of(talk, "respostas/"), **HTMX)
    monkeypatch.setitem(work._HANDLERS, "suggest_replies", lambda _errand: 1 / 0)
    client.post(url_of(talk, "respostas/"))
    do_waiting()
    assert 'role="alert"' in page(client, url_of(talk, "respostas/"), **HTMX)


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
