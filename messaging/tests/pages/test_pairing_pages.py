"""The connect page: what it shows in each state, to whom, and that looking starts nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.errors import Invalid
from messaging.models import Connection
from messaging.services import lifecycle
from messaging.services.lifecycle import PairingView
from messaging.services.number_record import register_number
from messaging.tests.factories import make_connection
from messaging.views.pairing_words import SAID, UNDER_WAY

HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "pairing"}
IMAGE = "data:image/png;base64,AAAA"
pytestmark = pytest.mark.usefixtures("tenant")


@pytest.fixture
def connection():
    made = make_connection(name="Loja Batel", number="41900337781")
    Connection.objects.filter(pk=made.pk).update(server_url="https://evo.example", is_managed=True)
    return made


@pytest.fixture
def shown(monkeypatch, connection):
    """Return `shown(state, …)`: from then on pairing stands there."""

    def stands(state: str, **over) -> None:
        now = timezone.now()
        fields = {"shown_at": now, "expires_at": now + timedelta(seconds=45), **over}
        if state == "waiting":
            fields["qr_image"] = IMAGE
        if state == "code_waiting":
            fields["pairing_code"] = "WZYEH1YY"
        view = PairingView(connection.public_id, connection.name, state, **fields)
        monkeypatch.setattr(lifecycle, "pairing_view", lambda _id: view)

    return stands


def url_of(connection) -> str:
    return f"/conexoes/{connection.public_id}/conectar/"


@pytest.mark.parametrize("state", sorted(set(SAID) - {"by_hand"}))
def test_each_state_has_its_words_and_polls_only_while_it_is_under_way(
    client_for, connection, shown, state
):
    shown(state, expected_tail="7781", paired_tail="9876", problem="no_code", sequence=2, count=2)
    response = client_for("admin").get(url_of(connection))
    html = response.content.decode()
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert f'data-state="{state}"' in html
    assert str(SAID[state].title) in html
    assert ("every 2s" in html) == (state in UNDER_WAY)
    assert (IMAGE in html) == (state == "waiting")
    assert ("WZYE-H1YY" in html) == (state == "code_waiting")
    if state not in UNDER_WAY:
        assert "btn" in html.split('id="pairing"')[1]


@pytest.mark.parametrize("state", ["waiting", "code_waiting", "wrong_number", "expired"])
def test_who_may_not_connect_sees_why_and_no_code(client_for, connection, shown, state):
    shown(state)
    html = client_for("supervisor").get(url_of(connection)).content.decode()
    region = html.split('id="pairing"')[1].split("</section>")[0]
    assert IMAGE not in region
    assert "WZYE" not in region
    assert "<form" not in region
    assert "#lock" in region


def test_a_look_starts_nothing_and_an_unchanged_page_is_not_sent_again(
    client_for, connection, shown, monkeypatch
):
    monkeypatch.setattr(lifecycle, "start_pairing", lambda *_a, **_k: pytest.fail("it started"))
    client = client_for("admin")
    shown("waiting", sequence=1)
    html = client.get(url_of(connection), **HTMX).content.decode()
    assert "<html" not in html
    again = html.split('hx-get="')[1].split('"')[0]
    assert client.get(again, **HTMX).status_code == 204
    shown("waiting", sequence=2)
    assert client.get(again, **HTMX).status_code == 200


def test_an_old_code_is_greyed(client_for, connection, shown):
    past = timezone.now() - timedelta(seconds=50)
    shown("waiting", shown_at=past, expires_at=past + timedelta(seconds=45))
    html = client_for("admin").get(url_of(connection)).content.decode()
    assert 'class="qr old"' in html


def test_a_person_starts_it_and_a_refusal_is_said(client_for, connection, shown, monkeypatch):
    shown("none")
    asked = []
    monkeypatch.setattr(
        lifecycle, "start_pairing", lambda pk, *, by_code: asked.append((pk, by_code))
    )
    start = f"{url_of(connection)}codigo/"
    assert client_for("agent").post(start).status_code == 403
    client = client_for("admin")
    assert client.get(start).status_code == 405
    assert client.post(start).status_code == 302
    assert client.post(start, {"by_code": "1"}).status_code == 302
    assert asked == [(connection.public_id, False), (connection.public_id, True)]

    def refuse(*_args, **_kwargs):
        raise Invalid("number_missing", "Add the number first.", field="number")

    monkeypatch.setattr(lifecycle, "start_pairing", refuse)
    html = client.post(start, {"by_code": "1"}, follow=True).content.decode()
    assert "Add the number first." in html


def test_a_number_is_put_on_record_before_a_code_is_typed(client_for, monkeypatch, shown):
    bare = make_connection(name="Sem número")
    monkeypatch.setattr(lifecycle, "start_pairing", lambda *_a, **_k: None)
    url = f"/conexoes/{bare.public_id}/conectar/codigo/"
    client_for("admin").post(url, {"by_code": "1", "number": "41 90012-2210"})
    bare.refresh_from_db()
    assert bare.number == "5541900122210"
    Connection.objects.filter(pk=bare.pk).update(own_hmac=bytes(32))
    with pytest.raises(Exception, match="already_paired"):
        register_number(bare.public_id, number="41 90012-9999")


def test_one_made_by_hand_says_that_its_server_is_not_known(client_for, shown):
    shown("none")
    bare = make_connection(name="Só eventos")
    html = client_for("admin").get(url_of(bare)).content.decode()
    assert 'data-state="by_hand"' in html
    assert "/conexoes/servidores/" in html
