"""Letters: sent once, later, or never, and safe to read."""

import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.core import mail as outbox
from django.db import transaction
from django.utils import timezone

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA
from evosense.testing.threads import run_threads
from tenancy.models import Mail
from tenancy.services import mail, mail_text
from tenancy.tests import factories


class Mailroom(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it accepts, and refuses what it is told to."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Conversation)
        self.letters: list[str] = []
        self.refuse_recipient = ""
        self.refuse_text = ""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Conversation(socketserver.StreamRequestHandler):
    server: Mailroom

    def handle(self) -> None:
        self._say("220 mailroom")
        while line := self.rfile.readline().decode().strip():
            word = line.split(":")[0].split(" ")[0].upper()
            if word == "QUIT":
                self._say("221 bye")
                return
            if word == "DATA":
                self._take()
            elif word == "RCPT" and self.server.refuse_recipient:
                self._say(self.server.refuse_recipient)
            else:
                self._say("250 fine")

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        if self.server.refuse_text:
            self._say(self.server.refuse_text)
            return
        self.server.letters.append("\n".join(lines))
        self._say("250 kept")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mailroom(settings) -> Iterator[Mailroom]:
    server = Mailroom()
    use(settings, server.port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def use(settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""


@pytest.fixture
def letter(public) -> Mail:
    user = factories.make_user(name="Ana Prado")
    factories.make_member(user=user)
    return mail.post("password_changed", to=user.email, object_id=user.pk, tenant_id=ALPHA.id)


def state_of(letter: Mail) -> Mail:
    return Mail.objects.get(pk=letter.pk)


def make_due(letter: Mail) -> None:
    Mail.objects.filter(pk=letter.pk).update(next_attempt_at=timezone.now())


def test_a_letter_leaves_in_two_forms_with_headers_that_stop_answers(letter) -> None:
    assert mail.deliver(letter.pk) == "sent"
    (sent,) = outbox.outbox
    assert sent.to == [letter.to]
    assert sent.from_email == "EvoSense <no-reply@testserver>"
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert str(letter.pk) in sent.extra_headers["Message-ID"]
    html, kind = sent.alternatives[0]
    assert kind == "text/html"
    assert "Ana Prado" in sent.body
    assert "Ana Prado" in html
    assert state_of(letter).sent_at


def test_a_letter_that_was_sent_is_not_sent_again(letter) -> None:
    mail.deliver(letter.pk)
    assert mail.deliver(letter.pk) == ""
    assert mail.sweep() == 0
    assert len(outbox.outbox) == 1


def test_a_letter_that_is_no_longer_true_is_dropped(letter) -> None:
    from tenancy.models import User

    User.objects.filter(email=letter.to).update(is_active=False)
    assert mail.deliver(letter.pk) == "dropped"
    assert outbox.outbox == []


def test_the_language_is_the_readers_else_the_companys(letter) -> None:
    mail.deliver(letter.pk)
    Mail.objects.filter(pk=letter.pk).update(state="waiting", locale="en")
    make_due(letter)
    mail.deliver(letter.pk)
    first, second = outbox.outbox
    assert 'lang="pt-br"' in first.alternatives[0][0]
    assert second.subject == "Your password was changed"
    assert "apos" not in second.body
    assert "&#x27;" not in second.body


def test_a_subject_is_one_line_whatever_the_names_hold() -> None:
    evil = "Loja\r\nBcc: victim@example.com\x00\u2028" + "x" * 300
    subject = mail_text.one_line(evil)
    assert subject.isprintable()
    assert len(subject) <= 150
    assert subject.startswith("Loja Bcc: victim@example.com")


def test_a_mail_server_gets_the_letter_and_one_away_gets_it_later(letter, mailroom, settings):
    port = mailroom.port
    use(settings, 1)
    assert mail.deliver(letter.pk) == "waiting"
    waiting = state_of(letter)
    assert waiting.attempts == 1
    assert waiting.next_attempt_at > timezone.now() + timedelta(seconds=20)
    assert waiting.error
    use(settings, port)
    assert mail.sweep() == 0, "not before its time"
    make_due(letter)
    assert mail.sweep() == 1
    (received,) = mailroom.letters
    assert f"To: {letter.to}" in received
    assert f"Message-ID: <{letter.pk}@testserver>" in received
    assert "Content-Type: multipart/alternative" in received
    assert state_of(letter).error == ""


def test_pauses_grow_and_the_eighth_failure_is_the_last(letter, settings) -> None:
    use(settings, 1)
    pauses = []
    for _attempt in range(mail.MAX_ATTEMPTS):
        make_due(letter)
        mail.deliver(letter.pk)
        pauses.append(state_of(letter).next_attempt_at - timezone.now())
    assert pauses[:-1] == sorted(pauses[:-1])
    assert state_of(letter).state == "failed"
    make_due(letter)
    assert mail.deliver(letter.pk) == ""


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("550 5.1.1 no such person", "failed"),
        ("450 4.2.1 try later", "waiting"),
    ],
)
def test_an_unknown_address_is_final_and_a_bad_moment_is_not(letter, mailroom, answer, state):
    mailroom.refuse_recipient = answer
    assert mail.deliver(letter.pk) == state
    assert letter.to not in state_of(letter).error


def test_a_refused_text_is_final(letter, mailroom) -> None:
    mailroom.refuse_text = "554 5.7.1 we do not like this"
    assert mail.deliver(letter.pk) == "failed"


def test_a_bug_in_one_letter_does_not_stop_the_others(letter) -> None:
    broken = mail.post("password_changed", to="x@example.com", object_id="not a number")
    Mail.objects.filter(pk=broken.pk).update(next_attempt_at=timezone.now() - timedelta(minutes=1))
    assert mail.sweep() == 1
    assert state_of(broken).state == "waiting"
    assert "ValueError" in state_of(broken).error


def test_without_a_server_letters_wait(letter, settings, caplog) -> None:
    settings.EMAIL_READY = False
    assert mail.deliver(letter.pk) == ""
    assert mail.sweep() == 0
    assert "EMAIL_URL is not set" in caplog.text
    assert state_of(letter).attempts == 0
    settings.EMAIL_READY = True
    assert mail.sweep() == 1


def test_an_unknown_kind_is_refused_where_it_is_posted(public) -> None:
    with pytest.raises(ValueError, match="not a registered kind"):
        mail.post("typo", to="ana@example.com")


def test_old_letters_are_forgotten_and_waiting_ones_kept(letter) -> None:
    mail.deliver(letter.pk)
    old = timezone.now() - timedelta(days=31)
    waiting = mail.post("password_changed", to="x@example.com", object_id=1)
    Mail.objects.update(created_at=old)
    assert mail.purge() == 1
    assert list(Mail.objects.values_list("pk", flat=True)) == [waiting.pk]


def test_a_letter_of_an_act_that_failed_does_not_exist(public) -> None:
    class RegretError(Exception):
        pass

    def act() -> None:
        with transaction.atomic():
            mail.post("password_changed", to="x@example.com", object_id=1)
            raise RegretError

    with pytest.raises(RegretError):
        act()
    assert not Mail.objects.exists()


def test_of_many_workers_at_once_one_sends(committed, mailroom) -> None:
    with public_scope():
        user = factories.make_user()
        letter = mail.post("password_changed", to=user.email, object_id=user.pk)
    outcomes = run_threads([partial(mail.deliver, letter.pk)] * 12)
    assert sorted(outcomes) == [""] * 11 + ["sent"]
    assert len(mailroom.letters) == 1


def test_a_worker_that_lost_its_lease_does_not_undo_the_one_after_it(letter) -> None:
    first = mail._claim(letter.pk)
    make_due(letter)
    second = mail._claim(letter.pk)
    assert mail._close(second, Mail.State.SENT) == "sent"
    assert mail._put_back(first, OSError("too late")) == ""
    assert state_of(letter).state == "sent"
