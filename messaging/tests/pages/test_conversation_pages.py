import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import tenant_scope
from evosense.testing.pages import shows_number
from messaging.models import MessageMedia, MessageVersion, PollVote, Reaction
from messaging.tests.factories import (
    make_connection,
    make_contact,
    make_conversation,
    make_message,
)

HTMX = {"HTTP_HX_REQUEST": "true"}
LIST = "/conversas/"
pytestmark = pytest.mark.usefixtures("tenant")


def page(client, url, status=200, **headers):
    response = client.get(url, **headers)
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


def with_message(conversation, **over):
    message = make_message(conversation, **over)
    conversation.last_message_at = message.occurred_at
    conversation.preview = message.text[:200]
    conversation.preview_type = message.type
    conversation.preview_direction = message.direction
    conversation.save()
    return message


def url_of(conversation):
    return f"{LIST}{conversation.public_id}/"


def test_a_stranger_is_sent_to_log_in_and_every_member_may_read(client_for):
    from tenancy.tests.factories import anonymous_client

    assert anonymous_client().get(LIST).status_code == 302
    for role in ("viewer", "agent", "supervisor", "admin", "owner"):
        page(client_for(role), LIST)


def test_an_empty_workspace_offers_the_first_step_only_to_those_who_may(client_for):
    assert "/conexoes/nova/" in page(client_for("admin"), LIST)
    assert "/conexoes/nova/" not in page(client_for("agent"), LIST)


def test_list_shows_name_preview_connection_and_unread(client_for):
    conversation = make_conversation(contact=make_contact("Marlene Figueira"), unread_count=2)
    with_message(conversation, text="quero meu dinheiro")
    html = page(client_for("agent"), LIST)
    for words in ("Marlene Figueira", "quero meu dinheiro", conversation.connection.name):
        assert words in html
    assert f'id="c-{conversation.public_id}"' in html


def test_numbers_are_masked_for_those_who_may_not_see_them(client_for):
    conversation = make_conversation(contact=make_contact("", address="5541900184470"))
    with_message(conversation)
    assert "90018-4470" in page(client_for("agent"), url_of(conversation))
    masked = page(client_for("viewer"), url_of(conversation))
    assert not shows_number(masked, "5541900184470")
    assert "4470" in masked


def test_search_finds_by_name_number_and_text(client_for):
    wanted = make_conversation(contact=make_contact("Otávio Brandt", address="5541900184471"))
    with_message(wanted, text="a entrega do sofá atrasou")
    other = make_conversation(contact=make_contact("Luana"))
    with_message(other, text="obrigada")
    client = client_for("agent")
    for words in ("otavio", "4471", "entregas"):
        html = page(client, f"{LIST}?q={words}", **HTMX)
        assert f"c-{wanted.public_id}" in html, words
        assert f"c-{other.public_id}" not in html, words


def test_filters_narrow_the_list_and_name_themselves(client_for):
    person = make_conversation(contact=make_contact("Ana"), unread_count=1)
    group = make_conversation(contact=make_contact("Entregas", kind="group"))
    client = client_for("agent")
    groups = page(client, f"{LIST}?tipo=group", **HTMX)
    assert f"c-{group.public_id}" in groups
    assert f"c-{person.public_id}" not in groups
    unread = page(client, f"{LIST}?nao_lidas=1", **HTMX)
    assert f"c-{person.public_id}" in unread
    assert f"c-{group.public_id}" not in unread
    one = page(client, f"{LIST}?conexao={person.connection.public_id}", **HTMX)
    assert f"c-{group.public_id}" not in one


@pytest.mark.parametrize("query", ["tipo=x", "conexao=x", "nao_lidas=talvez", "cursor=!!"])
def test_a_filter_that_does_not_exist_is_refused(client_for, query):
    page(client_for("agent"), f"{LIST}?{query}", 400)


def test_list_pages_without_repeating_rows(client_for):
    connection = make_connection()
    for number in range(35):
        moment = datetime(2025, 11, 15, tzinfo=UTC) + timedelta(minutes=number)
        make_conversation(connection, last_message_at=moment)
    client = client_for("agent")
    first = page(client, LIST)
    assert first.count("data-item") == 30
    following = re.search(r'hx-get="([^"]*cursor=[^"]*)"', first)[1].replace("&amp;", "&")
    assert page(client, following, **HTMX).count("data-item") == 5
    assert page(client, following).count("data-item") == 5


def test_thread_reads_without_script_and_keeps_filters(client_for):
    conversation = make_conversation(contact=make_contact("Ana"))
    with_message(conversation, text="bom dia")
    html = page(client_for("agent"), f"{url_of(conversation)}?tipo=person")
    assert "bom dia" in html
    assert "?tipo=person" in html
    assert "hx-get" in html


def test_a_fragment_holds_only_thread_and_panel(client_for):
    conversation = make_conversation()
    with_message(conversation)
    html = page(client_for("agent"), url_of(conversation), **HTMX, HTTP_HX_TARGET="thread")
    assert 'id="thread"' in html
    assert 'id="panel"' in html
    assert "<html" not in html
    assert 'id="items"' not in html


def test_closing_the_thread_brings_the_invitation_to_choose(client_for):
    make_conversation()
    html = page(client_for("agent"), LIST, **HTMX, HTTP_HX_TARGET="thread")
    assert 'id="thread"' in html
    assert "data-item" not in html


def test_every_kind_of_message_has_a_bubble(client_for):
    conversation = make_conversation()
    extras = {
        "location": {"location": {"latitude": -25.4, "longitude": -49.2, "name": "Loja"}},
        "contact": {
            "contacts": [{"name": "Rui", "phones": [{"number": "+55 41 9", "whatsapp": ""}]}]
        },
        "poll": {"poll": {"name": "Qual dia?", "options": ["sábado", "domingo"], "selectable": 1}},
        "order": {
            "order": {"title": "Mesa", "items": 2, "amount_1000": 3489000, "currency": "BRL"}
        },
        "group_invite": {"invite": {"group_name": "Clientes", "expires_at": 1763000000}},
        "template": {"buttons": ["Sim", "Não"]},
    }
    for kind in (
        *("text", "image", "video", "audio", "document", "sticker", "interactive_reply"),
        *("unsupported", *extras),
    ):
        message = make_message(
            conversation, type=kind, text=f"corpo {kind}", extra=extras.get(kind)
        )
        if kind in {"image", "video", "audio", "document", "sticker"}:
            MessageMedia.objects.create(message=message, kind=kind, mime="image/jpeg", size=421_000)
    html = page(client_for("agent"), url_of(conversation))
    assert html.count('<article class="msg') == 14
    for words in ("openstreetmap.org/?mlat=-25.4", "Rui", "sábado", "R$ 3.489,00", "Clientes"):
        assert words in html
    assert "411 KB" in html


def test_unknown_kinds_lead_to_the_raw_data_only_for_those_who_may_see_it(client_for):
    conversation = make_conversation()
    make_message(conversation, type="unsupported", subtype="holographicMessage")
    url = f"/conexoes/{conversation.connection.public_id}/eventos/"
    assert url in page(client_for("supervisor"), url_of(conversation))
    agent = page(client_for("agent"), url_of(conversation))
    assert "holographicMessage" in agent
    assert url not in agent


def test_quotes_reactions_votes_edits_and_deletes_are_shown(client_for):
    conversation = make_conversation()
    first = make_message(conversation, text="qual o prazo?")
    reply = make_message(
        conversation, direction="outbound", text="dois dias", reply_to_provider_id=first.provider_id
    )
    Reaction.objects.create(
        message=reply, author=conversation.contact, emoji="👍", reacted_at=timezone.now()
    )
    poll = make_message(
        conversation, type="poll", extra={"poll": {"name": "Dia?", "options": ["seg", "ter"]}}
    )
    PollVote.objects.create(
        message=poll, voter=conversation.contact, options=["ter"], voted_at=timezone.now()
    )
    edited = make_message(conversation, text="depois", edited_at=timezone.now())
    MessageVersion.objects.create(message=edited, text="antes", written_at=edited.occurred_at)
    make_message(conversation, text="segredo apagado", deleted_at=timezone.now())
    html = page(client_for("agent"), url_of(conversation))
    assert f"?mensagem={first.public_id}#m-{first.public_id}" in html
    assert "👍" in html
    assert 'width="100%"' in html
    assert "segredo apagado" not in html
    versions = f"{url_of(conversation)}mensagens/{edited.public_id}/versoes/"
    assert versions in html
    assert "antes" in page(client_for("agent"), versions, **HTMX)
    assert versions not in page(client_for("viewer"), url_of(conversation))
    page(client_for("viewer"), versions, 404)


def test_what_was_deleted_can_be_read_by_those_who_answer(client_for):
    conversation = make_conversation()
    gone = make_message(conversation, text="segredo apagado", deleted_at=timezone.now())
    url = f"{url_of(conversation)}mensagens/{gone.public_id}/versoes/"
    assert "segredo apagado" in page(client_for("agent"), url)
    other = make_conversation()
    page(client_for("agent"), f"{url_of(other)}mensagens/{gone.public_id}/versoes/", 404)


def test_hostile_text_stays_text(client_for):
    hostile = "<script>alert(1)</script>\"'\u202egnp.exe {{ 7|add:7 }}"
    contact = make_contact(hostile, push_name=hostile)
    conversation = make_conversation(
        contact=contact, attribution={"title": hostile, "sourceUrl": "javascript:x"}
    )
    with_message(conversation, text=hostile)
    message = make_message(conversation, type="document", text=hostile)
    MessageMedia.objects.create(message=message, kind="document", name=hostile)
    make_message(
        conversation, type="contact", extra={"contacts": [{"name": hostile, "phones": []}]}
    )
    make_message(conversation, reply_to_provider_id="X", quote={"text": hostile, "type": "text"})
    html = page(client_for("admin"), url_of(conversation))
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "javascript:x" not in html or 'href="javascript' not in html
    assert "{{ 7|add:7 }}" in html
    assert "<bdi>" in html


def test_day_lines_follow_the_clock_of_the_tenant(client_for):
    conversation = make_conversation()
    # 02:30 UTC on the 16th is still the 15th in São Paulo.
    make_message(conversation, occurred_at=datetime(2025, 11, 16, 2, 30, tzinfo=UTC))
    make_message(conversation, occurred_at=datetime(2025, 11, 16, 3, 30, tzinfo=UTC))
    html = page(client_for("agent"), url_of(conversation))
    assert html.index('id="day-2025-11-15"') < html.index('id="day-2025-11-16"')
    assert "23:30" in html


def test_the_unread_line_stands_before_the_first_unread_message(client_for):
    conversation = make_conversation(unread_count=2)
    for text in ("um", "dois", "três"):
        with_message(conversation, text=text)
    html = page(client_for("agent"), url_of(conversation))
    line = html.index('id="unread"')
    assert html.index(">um<") < line < html.index(">dois<")


def test_looking_does_not_mark_read_but_the_form_does(client_for):
    conversation = make_conversation(unread_count=1)
    with_message(conversation)
    client = client_for("agent")
    page(client, url_of(conversation))
    conversation.refresh_from_db()
    assert conversation.unread_count == 1
    response = client.post(f"{url_of(conversation)}lida/", **HTMX)
    assert response.status_code == 200
    conversation.refresh_from_db()
    assert conversation.unread_count == 0
    assert f'id="c-{conversation.public_id}"' in response.content.decode()


def test_mark_unread_works_with_and_without_script(client_for):
    conversation = make_conversation()
    with_message(conversation)
    client = client_for("agent")
    client.post(f"{url_of(conversation)}lida/")
    assert client.post(f"{url_of(conversation)}nao-lida/").status_code == 302
    conversation.refresh_from_db()
    assert conversation.unread_count == 1


def test_only_those_who_answer_mark_conversations(client_for):
    conversation = make_conversation(unread_count=1)
    client = client_for("viewer")
    assert client.post(f"{url_of(conversation)}lida/").status_code == 403
    assert client.post(f"{url_of(conversation)}nao-lida/").status_code == 403
    assert "data-reader" not in page(client, url_of(conversation))


def test_reading_until_a_message_leaves_what_came_after_it_unread(client_for):
    conversation = make_conversation(unread_count=2)
    first = with_message(conversation)
    with_message(conversation)
    body = {"ate": first.occurred_at.isoformat()}
    client_for("agent").post(f"{url_of(conversation)}lida/", body)
    conversation.refresh_from_db()
    assert conversation.unread_count == 1


def test_older_messages_come_page_by_page(client_for):
    conversation = make_conversation()
    for number in range(60):
        make_message(conversation, text=f"linha {number:02d}.")
    client = client_for("agent")
    html = page(client, url_of(conversation))
    assert "linha 59." in html
    assert "linha 09." not in html
    older = html.split('id="older" hx-get="')[1].split('"')[0]
    fragment = page(client, older, **HTMX)
    assert "linha 09." in fragment
    assert "linha 10." not in fragment
    assert client.get(older).status_code == 302


def test_jumping_to_a_message_shows_it_and_the_way_to_the_latest(client_for):
    conversation = make_conversation()
    messages = [make_message(conversation, text=f"linha {number:03d}.") for number in range(120)]
    html = page(client_for("agent"), f"{url_of(conversation)}?mensagem={messages[20].public_id}")
    assert "is-target" in html
    assert "linha 119." not in html
    assert 'data-latest="false"' in html


def test_another_tenants_conversation_does_not_exist(client_for, other_tenant):
    with tenant_scope(other_tenant):
        conversation = make_conversation()
        message = make_message(conversation)
    client = client_for("owner")
    page(client, url_of(conversation), 404)
    page(client, f"{url_of(conversation)}mensagens/", 404, **HTMX)
    page(client, f"{url_of(conversation)}mensagens/{message.public_id}/versoes/", 404)
    assert client.post(f"{url_of(conversation)}lida/").status_code == 404


def test_the_page_costs_the_same_whatever_it_shows(client_for, count_queries):
    connection = make_connection()
    conversation = make_conversation(connection)
    make_message(conversation)
    client = client_for("agent")
    page(client, url_of(conversation))
    with count_queries() as few:
        page(client, url_of(conversation))
    for _ in range(12):
        with_message(make_conversation(connection))
        message = make_message(conversation, type="image")
        MessageMedia.objects.create(message=message, kind="image")
        make_message(conversation, reply_to_provider_id=message.provider_id, text="sim")
        Reaction.objects.create(
            message=message, author=make_contact("X"), emoji="👍", reacted_at=timezone.now()
        )
    with count_queries() as many:
        page(client, url_of(conversation))
    # Quotes and people of a full page add their two queries once.
    assert len(many) <= len(few) + 3, "\n".join(many)
    for _ in range(10):
        message = make_message(conversation, text="mais")
        Reaction.objects.create(
            message=message, author=make_contact("Y"), emoji="❤️", reacted_at=timezone.now()
        )
    with count_queries() as more:
        page(client, url_of(conversation))
    assert len(more) == len(many)


def test_counter_for_the_navigation(client_for):
    assert page(client_for("agent"), f"{LIST}nao-lidas/") == ""
    make_conversation(unread_count=3)
    assert page(client_for("agent"), f"{LIST}nao-lidas/") == "1"
