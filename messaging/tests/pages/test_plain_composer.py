"""The composer without script: its form brings the files along, and leaves once."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from messaging.models import Outgoing
from messaging.tests.factories import make_conversation
from messaging.tests.pages.test_composer_pages import KEY, body_of, ready_connection, url_of

pytestmark = pytest.mark.usefixtures("tenant")


def post(client, conversation, *contents, **over):
    files = [SimpleUploadedFile("nota.txt", one, content_type="text/plain") for one in contents]
    body = body_of("segue", files=files, **over)
    return client.post(url_of(conversation, "enviar"), body)


def kinds():
    return list(Outgoing.objects.order_by("pk").values_list("kind", flat=True))


def test_a_form_with_files_that_comes_twice_is_sent_once(client_for):
    conversation, client = make_conversation(ready_connection()), client_for("agent")

    for _ in range(2):
        assert post(client, conversation, b"um", b"dois").status_code == 302

    assert kinds() == ["document", "document"]


def test_other_files_under_the_same_key_and_the_same_later_are_sent(client_for):
    conversation, client = make_conversation(ready_connection()), client_for("agent")

    post(client, conversation, b"um")
    post(client, conversation, b"dois")
    post(client, conversation, b"um", key=KEY.replace("7b", "8c"))

    assert kinds() == ["document"] * 3
