"""The composer's pages: who may send, what is refused, and that nothing leaves twice."""

import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from evosense.core.schema import tenant_scope
from evosense.testing.threads import run_threads
from messaging.models import ComposerDraft, Connection, Message, Outgoing, Upload
from messaging.services import drafts
from messaging.services.drafts import Draft
from messaging.tests.factories import make_connection, make_conversation, make_message

HTMX = {"HTTP_HX_REQUEST": "true"}
HOSTILE = "<script>alert(1)</script>\"'\u202egnp.exe {{ 7|add:7 }}"
KEY = "7b0c1c56-6f0e-4a0c-9b3a-0d6d3a7f4c11"
pytestmark = pytest.mark.usefixtures("tenant")


def url_of(conversation, *parts):
    return "/".join(["/conversas", str(conversation.public_id), *map(str, parts), ""])


def body_of(text="", **over):
    return {"key": KEY, "text": text, "latest": "1", **over}


def ready_connection(**over):
    """A connection whose number is there and whose server can send."""
    connection = make_connection(server_url="https://evo.example.com", **over)
    Connection.objects.filter(pk=connection.pk).update(state="connected")
    connection.refresh_from_db()
    return connection


@pytest.fixture
def conversation(tenant):
    return make_conversation(ready_connection())


def sent_texts(conversation):
    rows = Message.objects.filter(conversation=conversation, direction="outbound")
    return list(rows.order_by("pk").values_list("text", flat=True))


def test_what_is_sent_waits_in_the_thread_at_once(client_for, conversation):
    client = client_for("agent")
    answer = client.post(url_of(conversation, "enviar"), body_of("bom dia\r\nMarlene"), **HTMX)
    assert answer.status_code == 200, answer.content
    assert str(conversation.public_id) in answer["HX-Trigger"]
    assert 'name="key"' in answer.content.decode()
    assert KEY not in answer.content.decode()
    (out,) = Outgoing.objects.all()
    assert (out.state, out.source, out.payload["text"]) == ("queued", "panel", "bom dia\nMarlene")
    page = client.get(url_of(conversation)).content.decode()
    assert f'id="m-{out.public_id}"' in page


def test_controls_that_need_script_are_marked_and_a_held_message_has_its_words(
    client_for, conversation
):
    page = client_for("agent").get(url_of(conversation)).content.decode()
    tools = page.split('<div class="tools">')[1].split("</fieldset>")[0]
    needing = re.findall(r'<(?:button|label) class="([^"]+)"', tools)
    assert [" js" in one for one in needing] == [True, True, True, True, False]
    assert re.search(r'data-held="[^"]+"', page)
    # While it records, the words drawn in the button are its name.
    assert "aria-label" not in re.search(r'<button[^>]*data-act="record"[^>]*>', tools)[0]


def test_the_form_works_without_script(client_for, conversation):
    answer = client_for("agent").post(url_of(conversation, "enviar"), body_of("oi"))
    assert answer.status_code == 302
    assert answer["Location"] == url_of(conversation)
    assert sent_texts(conversation) == ["oi"]


def test_a_second_press_changes_nothing_and_says_so(client_for, conversation):
    client = client_for("agent")
    for _ in range(2):
        answer = client.post(url_of(conversation, "enviar"), body_of("uma vez"), **HTMX)
        assert answer.status_code == 200
    assert "toast" in answer["HX-Trigger"]
    assert sent_texts(conversation) == ["uma vez"]


def test_other_words_under_the_same_key_are_another_message(client_for, conversation):
    client = client_for("agent")
    for text in ("um", "dois"):
        client.post(url_of(conversation, "enviar"), body_of(text), **HTMX)
    assert sent_texts(conversation) == ["um", "dois"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (body_of(""), "Escreva"),
        (body_of("   \n "), "Escreva"),
        ({"text": "sem chave"}, ""),
        (body_of("x" * 65_537), "65"),
        (body_of("x", uploads=str(uuid.uuid4())), ""),
        (body_of("x", quoted=str(uuid.uuid4())), ""),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_reason(client_for, conversation, body, words):
    answer = client_for("agent").post(url_of(conversation, "enviar"), body, **HTMX)
    assert answer.status_code in {400, 422}
    assert not Outgoing.objects.exists()
    if answer.status_code == 422:
        assert 'role="alert"' in answer.content.decode()


def test_a_refusal_without_script_keeps_what_was_typed(client_for, conversation):
    Connection.objects.update(state="disconnected")
    answer = client_for("agent").post(url_of(conversation, "enviar"), body_of("fica aqui"))
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "fica aqui</textarea>" in html
    assert "<html" in html
    assert not Outgoing.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"state": "disconnected"},
        {"state": "logged_out"},
        {"state": "banned"},
        {"is_active": False},
        {"server_url": ""},
        {"quarantined_at": "2025-11-15T12:00Z"},
        {"removed_at": "2025-11-15T12:00Z"},
    ],
)
def test_a_number_that_cannot_send_disables_the_composer_and_says_why(
    client_for, conversation, change
):
    Connection.objects.update(**change)
    client = client_for("agent")
    html = client.get(url_of(conversation)).content.decode()
    assert "<fieldset disabled>" in html
    assert "data-refused" in html
    gate = client.get(url_of(conversation, "compositor"), **HTMX).content.decode()
    assert "data-refused" in gate
    assert client.post(url_of(conversation, "enviar"), body_of("x"), **HTMX).status_code == 422


def test_it_is_enabled_again_when_the_number_is_back(client_for, conversation):
    gate = client_for("agent").get(url_of(conversation, "compositor"), **HTMX).content.decode()
    assert "data-refused" not in gate


def test_readers_have_no_composer_and_no_door_behind_it(client_for, conversation):
    message = make_message(conversation)
    client = client_for("viewer")
    html = client.get(url_of(conversation)).content.decode()
    assert "composer-form" not in html
    for part in ("enviar", "rascunho", "anexos", "digitando", "compositor/enquete"):
        assert client.post(url_of(conversation, part), body_of("x")).status_code == 403, part
    for act in ("reagir", "editar", "apagar", "encaminhar", "reenviar", "cancelar", "resolver"):
        url = url_of(conversation, "mensagens", message.public_id, act)
        assert client.post(url, {}).status_code == 403, act
    assert client.get("/conversas/nova/").status_code == 403
    assert not Outgoing.objects.exists()


def test_drafts_are_kept_for_each_person_and_shown_in_the_list(client_for, conversation):
    make_message(conversation)
    client = client_for("agent")
    answer = client.post(url_of(conversation, "rascunho"), body_of("quase pronto"), **HTMX)
    assert answer.status_code == 200
    page = client.get(url_of(conversation)).content.decode()
    assert "quase pronto</textarea>" in page
    assert f'value="{KEY}"' in page
    row = client.get("/conversas/").content.decode().split(f'id="c-{conversation.public_id}"')[1]
    assert "</em><span" in row.split("</a>")[0]
    assert "quase pronto" in row.split("</a>")[0]
    assert "quase pronto" not in client_for("supervisor").get(url_of(conversation)).content.decode()


def test_sending_forgets_the_draft_and_a_late_save_does_not_bring_it_back(client_for, conversation):
    client = client_for("agent")
    client.post(url_of(conversation, "rascunho"), body_of("pronto"), **HTMX)
    client.post(url_of(conversation, "enviar"), body_of("pronto"), **HTMX)
    late = client.post(url_of(conversation, "rascunho"), body_of("pronto"), **HTMX)
    assert late.content == b""
    assert "pronto</textarea>" not in client.get(url_of(conversation)).content.decode()
    assert ComposerDraft.objects.get().text == ""


def test_two_windows_with_the_same_draft_send_it_once(client_for, conversation):
    client = client_for("agent")
    client.post(url_of(conversation, "rascunho"), body_of("olá"), **HTMX)
    pages = [client.get(url_of(conversation)).content.decode() for _ in range(2)]
    keys = {re.search(r'name="key" value="([^"]+)" form="composer-form"', one)[1] for one in pages}
    assert keys == {KEY}
    for key in keys | {KEY}:
        client.post(url_of(conversation, "enviar"), body_of("olá", key=key), **HTMX)
    assert sent_texts(conversation) == ["olá"]


def test_what_another_window_began_is_not_thrown_away(conversation):
    mine, other = Draft(uuid.uuid4(), "meu"), Draft(uuid.uuid4(), "outro")
    drafts.save_draft(conversation.pk, 7, other)
    drafts.close_draft(conversation.pk, 7, mine.key)
    assert drafts.draft_of(conversation.pk, 7).text == "outro"
    assert drafts.save_draft(conversation.pk, 7, mine) is False


def test_an_empty_draft_makes_no_row(client_for, conversation):
    client_for("agent").post(url_of(conversation, "rascunho"), body_of(""), **HTMX)
    assert not ComposerDraft.objects.exists()


def test_hostile_text_stays_text_in_composer_draft_and_quote(client_for, conversation):
    message = make_message(conversation, text=HOSTILE)
    client = client_for("agent")
    client.post(url_of(conversation, "rascunho"), body_of(HOSTILE, quoted=message.public_id))
    client.post(url_of(conversation, "enviar"), body_of(HOSTILE, key=uuid.uuid4()), **HTMX)
    html = client.get(url_of(conversation)).content.decode()
    assert "<script>alert" not in html
    menu = url_of(conversation, "mensagens", message.public_id, "menu")
    shown = client.get(menu, **HTMX).content.decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown


def test_a_quote_travels_with_the_message(client_for, conversation):
    message = make_message(conversation, text="qual o prazo?")
    client = client_for("agent")
    chip = client.get(url_of(conversation, "mensagens", message.public_id, "citar"), **HTMX)
    assert "qual o prazo?" in chip.content.decode()
    body = body_of("dois dias", quoted=message.public_id)
    assert client.post(url_of(conversation, "enviar"), body, **HTMX).status_code == 200
    (sent,) = Message.objects.filter(direction="outbound")
    assert sent.reply_to_provider_id == message.provider_id


def make_upload(user_id, **over):
    fields = {
        "storage_key": f"up/{uuid.uuid4()}",
        "kind": "image",
        "mime": "image/jpeg",
        "size": 1200,
        "name": "mesa.jpg",
        "sha256": bytes(32),
        "actor_user_id": user_id,
        **over,
    }
    return Upload.objects.create(**fields)


def test_several_files_go_in_order_and_the_first_has_the_caption(client_for, conversation):
    client = client_for("agent")
    user = int(client.session["_auth_user_id"])
    files = [make_upload(user), make_upload(user, kind="document", mime="application/pdf")]
    body = body_of("veja", uploads=[str(one.public_id) for one in files])
    assert client.post(url_of(conversation, "enviar"), body, **HTMX).status_code == 200
    out = list(Outgoing.objects.order_by("pk"))
    assert [one.kind for one in out] == ["image", "document"]
    assert out[0].payload["caption"] == "veja"
    assert "caption" not in out[1].payload


def test_a_recording_leaves_as_a_voice_message_after_its_text(client_for, conversation):
    client = client_for("agent")
    user = int(client.session["_auth_user_id"])
    sound = make_upload(user, kind="audio", mime="audio/ogg", name="voice")
    body = body_of("escute", uploads=[f"{sound.public_id}:voice"])
    assert client.post(url_of(conversation, "enviar"), body, **HTMX).status_code == 200
    assert [one.kind for one in Outgoing.objects.order_by("pk")] == ["text", "voice"]


def test_files_of_somebody_else_cannot_be_sent(client_for, conversation):
    file = make_upload(999_999)
    body = body_of("", uploads=[str(file.public_id)])
    answer = client_for("agent").post(url_of(conversation, "enviar"), body, **HTMX)
    assert answer.status_code == 422
    assert not Outgoing.objects.exists()


def test_a_refused_file_says_why_and_keeps_its_name_harmless(client_for, conversation):
    file = SimpleUploadedFile(f"{HOSTILE}.txt", b"", content_type="text/plain")
    answer = client_for("agent").post(url_of(conversation, "anexos"), {"file": file}, **HTMX)
    assert answer.status_code == 422
    assert "<script>" not in answer.content.decode()
    assert client_for("agent").post(url_of(conversation, "anexos"), {}).status_code == 422


def test_another_tenants_conversation_has_no_composer(client_for, other_tenant):
    with tenant_scope(other_tenant):
        theirs = make_conversation()
        message = make_message(theirs)
    client = client_for("owner")
    for part in ("enviar", "rascunho", "anexos", "digitando", "compositor/local"):
        assert client.post(url_of(theirs, part), body_of("x")).status_code == 404, part
    for act in ("menu", "citar", ""):
        url = url_of(theirs, "mensagens", message.public_id, act).replace("//", "/")
        assert client.get(url, **HTMX).status_code == 404, act


def test_a_message_of_another_conversation_is_not_found_here(client_for, conversation):
    message = make_message(make_conversation())
    client = client_for("agent")
    for act in ("reagir", "apagar", "reenviar"):
        url = url_of(conversation, "mensagens", message.public_id, act)
        assert client.post(url, {"emoji": "👍"}).status_code == 404


def test_eight_presses_at_once_send_once(committed, client_for, conversation):
    first = client_for("agent")

    def press():
        client = Client(HTTP_HOST=first.defaults["HTTP_HOST"])
        client.cookies = first.cookies
        return client.post(url_of(conversation, "enviar"), body_of("só uma"), **HTMX).status_code

    assert set(run_threads([press] * 8)) == {200}
    assert sent_texts(conversation) == ["só uma"]


def test_place_card_and_poll_are_sent_once_and_refused_beside_their_field(client_for, conversation):
    client = client_for("agent")
    good = {
        "local": {"place": "-25.4284, -49.2733", "name": "Loja"},
        "contato": {"name": "Rui", "phone": "41 99001-8447"},
        "enquete": {"name": "Qual dia?", "options": "sábado\r\ndomingo\r\n", "several": "1"},
    }
    for kind, body in good.items():
        url = url_of(conversation, "compositor", kind)
        assert 'id="act-form"' in client.get(url, **HTMX).content.decode()
        for _ in range(2):
            assert client.post(url, body | {"key": KEY}, **HTMX).status_code == 200
    assert [one.kind for one in Outgoing.objects.order_by("pk")] == ["location", "contact", "poll"]
    assert Outgoing.objects.get(kind="poll").payload["selectable"] == 0
    bad = {
        "local": ({"place": "ali na esquina"}, "place"),
        "contato": ({"name": "Rui", "phone": "xx"}, "phone"),
        "enquete": ({"name": "Qual dia?", "options": "só um"}, "options"),
    }
    for kind, (body, field) in bad.items():
        answer = client.post(url_of(conversation, "compositor", kind), body | {"key": KEY}, **HTMX)
        assert answer.status_code == 422
        assert f'id="id_{field}-error"' in answer.content.decode(), kind
