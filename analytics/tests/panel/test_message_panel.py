"""The panel of one message: values, reasons, who said so, what waits, and correcting it."""

from html import unescape
from uuid import uuid4

import pytest

from analytics.analysis.enqueue import note_messages
from analytics.analysis.items import NOT_BELIEVED
from analytics.models import AnalysisJob, Errand, Inference, Label, ModelCall
from analytics.selectors.told import told_of
from analytics.tests.errands.helpers import do_waiting
from analytics.views.panel.presenting import pieces_of
from analytics.views.panel.words import reason_words
from evosense.core.schema import tenant_scope
from messaging.tests.factories import START, make_conversation, make_message
from tenancy.models import AuditEntry

pytestmark = pytest.mark.usefixtures("tenant")
HTMX = {"HTTP_HX_REQUEST": "true"}
TEXT = "Meu pedido não chegou e ninguém responde"
SAD = {
    "sentiment": -0.81,
    "emotion": "frustracao",
    "satisfaction": 12,
    "tone": "urgente",
    "summary": "Pedido não chegou.",
    "confidence": 0.9,
}
CUES = [{"text": "não chegou", "weight": -0.9}, {"text": "ninguém responde", "weight": -0.3}]


def url_of(message, act=""):
    return f"/analise/mensagens/{message.public_id}/{act}"


def page(client, url, status=200, **headers):
    response = client.get(url, **headers)
    assert response.status_code == status
    return response.content.decode()


def judged(judged_by="embedded", **over):
    message = make_message(text=TEXT, **SAD, judged_by=judged_by)
    values = {"status": "ok", "provider": "embedded", "model_name": "embedded-pt-2", "cues": CUES}
    values |= {"run_key": "live:a:embedded-pt-2", "template_hash": "a"}
    Inference.objects.create(message=message, **SAD, **values | over)
    return message


def waits(message, state, error=""):
    AnalysisJob.objects.create(
        message=message,
        conversation_id=message.conversation_id,
        occurred_at=START,
        state=state,
        error=error,
    )


def test_values_are_shown_in_words_with_why(client_for):
    html = page(client_for("viewer"), url_of(judged()))
    assert "s1" in html
    assert '<mark title="' in html
    assert ">não chegou</mark>" in html
    assert "embedded-pt-2" in html
    assert "Pedido não chegou." in html
    assert "corrigir" not in html


def test_a_fragment_is_a_dialog(client_for):
    html = page(client_for("agent"), url_of(judged()), **HTMX)
    assert "<html" not in html
    assert "data-now" in html
    assert "corrigir/" in html


def test_too_faint_values_are_nothing_to_see(client_for):
    message = make_message(text="hm", **SAD | {"confidence": 0.2}, judged_by="embedded")
    html = page(client_for("viewer"), url_of(message))
    assert 'class="sent' not in html


@pytest.mark.parametrize(
    ("state", "error"),
    [("waiting", ""), ("deferred", "budget_exhausted"), ("failed", "worker_died")],
)
def test_what_waits_says_why_and_may_be_asked_now(client_for, state, error):
    message = judged("degraded", is_degraded=True)
    waits(message, state, error)
    html = page(client_for("agent"), url_of(message))
    assert 'class="banner' in html
    assert "analisar/" in html
    assert "analisar/" not in page(client_for("viewer"), url_of(message))


def test_who_was_asked_and_not_believed_is_named_beside_who_judged(client_for):
    call = ModelCall.objects.create(
        purpose="message",
        provider_id=uuid4(),
        provider_name="Nuvem",
        model_requested="grande-7",
        cost_micros=2_380_000,
    )
    used = {"input_tokens": 1200, "output_tokens": 34, "cost_micros": 2_380_000}
    message = judged(error=NOT_BELIEVED, is_suspicious=True, call_id=call.pk, **used)
    html = page(client_for("viewer"), url_of(message))
    assert str(reason_words(NOT_BELIEVED)) in unescape(html)
    assert "embedded-pt-2" in html
    assert "Nuvem · grande-7 · 1234 tokens · R$ 2,38" in html
    ModelCall.objects.all().delete()
    assert "grande-7" not in page(client_for("viewer"), url_of(message))
    assert "grande-7" not in page(client_for("viewer"), url_of(judged(call_id=call.pk)))


def test_hostile_words_stay_text(client_for):
    message = make_message(
        text="<script>alert(1)</script> <b>não chegou</b>", **SAD, judged_by="embedded"
    )
    values = {"status": "ok", "provider": "<img>", "model_name": "<i>", "run_key": "live:a:<i>"}
    Inference.objects.create(
        message=message, **SAD, **values, template_hash="a", cues=[{"text": "<b>", "weight": 1}]
    )
    html = page(client_for("agent"), url_of(message))
    assert "<script>alert" not in html
    assert "<img>" not in html
    assert "<mark title" in html


def test_a_deleted_message_shows_no_words(client_for):
    message = judged()
    message.deleted_at = START
    message.save(update_fields=["deleted_at"])
    html = page(client_for("agent"), url_of(message))
    assert "ninguém responde" not in html.replace("<mark>ninguém responde</mark>", "")
    assert "corrigir/" not in html


@pytest.mark.parametrize(
    ("text", "cues", "pieces"),
    [
        ("Não CHEGOU hoje", ["não chegou"], ["Não CHEGOU", " hoje"]),
        ("abc", ["zzz", ""], ["abc"]),
        ("aa bb aa", ["aa", "aa bb"], ["aa", " bb aa"]),
        ("Straße ist groß", ["groß"], ["Straße ist ", "groß"]),
        ("", ["a"], []),
    ],
)
def test_texts_are_cut_at_their_cues(text, cues, pieces):
    found = pieces_of(text, [{"text": cue, "weight": 0.5} for cue in cues])
    assert [piece.text for piece in found] == pieces
    assert "".join(piece.text for piece in found) == text


def test_a_correction_counts_at_once_and_for_good(client_for):
    message = judged()
    form = {"level": "4", "emotion": "alegria", "satisfaction": "80", "tone": "cordial"}
    response = client_for("agent").post(url_of(message, "corrigir/"), form, **HTMX)
    assert response.status_code == 200
    assert "live:messages" in response["HX-Trigger"]
    message.refresh_from_db()
    assert (message.judged_by, message.sentiment, message.emotion) == ("person", 0.5, "alegria")
    assert Label.objects.get().source == "thread"
    assert AuditEntry.objects.filter(action="analysis.corrected").exists()
    assert note_messages([message.pk]) == 0


def test_the_level_that_stands_keeps_its_exact_value(client_for):
    message = judged()
    form = {"level": "1", "emotion": "raiva", "satisfaction": "12", "tone": "urgente"}
    assert client_for("agent").post(url_of(message, "corrigir/"), form).status_code == 302
    message.refresh_from_db()
    assert (message.sentiment, message.emotion) == (-0.81, "raiva")


@pytest.mark.parametrize(
    "wrong", [{"level": "6"}, {"emotion": "fome"}, {"satisfaction": "101"}, {"tone": "x"}, {}]
)
def test_bad_corrections_are_refused_beside_the_form(client_for, wrong):
    message = judged()
    response = client_for("agent").post(url_of(message, "corrigir/"), wrong, **HTMX)
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert not Label.objects.exists()


def test_only_who_answers_may_correct_or_ask(client_for):
    message = judged()
    for act in ("corrigir/", "analisar/"):
        assert client_for("viewer").post(url_of(message, act)).status_code == 403


def test_a_message_is_judged_now_when_asked(client_for):
    message = make_message(text="Amei, muito obrigada, chegou tudo certinho!")
    client = client_for("agent")
    response = client.post(url_of(message, "analisar/"), **HTMX)
    assert response.status_code == 200
    looks = f"{url_of(message)}?espera=1"
    assert looks in response.content.decode()
    # What waits changes nothing of a form that is filled in meanwhile.
    assert client.get(looks, **HTMX).status_code == 204
    assert looks in page(client, url_of(message))
    do_waiting()
    there = client.get(looks, **HTMX)
    assert there.status_code == 286
    assert 'id="verdict"' in there.content.decode()
    assert "<dialog" not in there.content.decode()
    assert "live:messages" in there["HX-Trigger"]
    assert looks not in page(client, url_of(message))
    message.refresh_from_db()
    assert message.judged_by == "embedded"
    assert message.sentiment > 0


def test_two_clicks_judge_once_and_a_late_worker_is_not_waited_for(client_for):
    message = make_message(text=TEXT)
    for role in ("agent", "supervisor"):
        assert client_for(role).post(url_of(message, "analisar/")).status_code == 302
    assert Errand.objects.count() == 1
    Errand.objects.update(expires_at=START)
    late = client_for("agent").get(f"{url_of(message)}?espera=1", **HTMX)
    assert late.status_code == 286
    assert '"level": "bad"' in late["HX-Trigger"]
    assert "analisar/" in late.content.decode()


def test_nothing_can_be_asked_about_a_picture_without_words(client_for):
    message = make_message(text="", type="image")
    assert client_for("agent").post(url_of(message, "analisar/")).status_code == 409


def test_another_companys_message_is_not_there(client_for, other_tenant):
    with tenant_scope(other_tenant):
        foreign = make_message()
    page(client_for("owner"), url_of(foreign), 404)
    assert client_for("owner").post(url_of(foreign, "corrigir/")).status_code == 404


def test_the_api_is_told_who_judged_and_what_waits():
    done, late = judged(), make_message()
    Inference.objects.create(
        message=done,
        **SAD,
        status="ok",
        provider="Nuvem",
        model_name="experimento",
        run_key="exp-1",
        run_id="exp-1",
        is_shadow=True,
        template_hash="b",
    )
    waits(late, "waiting")
    told = told_of([done.pk, late.pk, make_message().pk])
    assert told[done.pk].model == "embedded-pt-2"
    assert told[late.pk].waits == "pending"
    assert len(told) == 2


def test_the_thread_shows_faces_at_no_cost(client_for, count_queries):
    talk = make_conversation()
    url = f"/conversas/{talk.public_id}/"
    make_message(talk, text=TEXT, **SAD, judged_by="embedded")
    client = client_for("agent")
    assert f"/conversas/{talk.public_id}/" in page(client, url)
    with count_queries() as few:
        html = page(client, url)
    assert "/analise/mensagens/" in html
    for _ in range(6):
        make_message(talk, text=TEXT, **SAD, judged_by="embedded")
    with count_queries() as many:
        html = page(client, url)
    assert html.count('class="sent s1"') == 7
    assert len(many) == len(few), "\n".join(many)


def test_a_deleted_or_faint_message_has_no_face(client_for):
    talk = make_conversation()
    make_message(talk, **SAD | {"confidence": 0.1}, judged_by="embedded")
    make_message(talk, **SAD, judged_by="embedded", deleted_at=START)
    assert 'class="sent' not in page(client_for("agent"), f"/conversas/{talk.public_id}/")
