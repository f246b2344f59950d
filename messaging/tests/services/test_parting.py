"""What somebody who leaves had begun to write: it goes to the heir, or nowhere."""

from uuid import uuid4

import pytest

from evosense.core.handover import estates_of, hand_over
from messaging.models import ComposerDraft, Upload
from messaging.services.drafts import Attached, Draft, close_draft, draft_of, save_draft
from messaging.tests import factories

pytestmark = pytest.mark.usefixtures("tenant")
GONE, HEIR = 501, 502


def begun(user_id, text="Bom dia", **more):
    conversation = more.pop("conversation", None) or factories.make_conversation()
    draft = Draft(uuid4(), text, **more)
    save_draft(conversation.pk, user_id, draft)
    return conversation, draft


def test_a_draft_goes_on_with_its_files():
    file = Upload.objects.create(
        public_id=uuid4(),
        actor_user_id=GONE,
        storage_key="u/1",
        name="nota.pdf",
        mime="application/pdf",
        kind="document",
        size=3,
        sha256=bytes(32),
    )
    conversation, draft = begun(GONE, uploads=(Attached(file.public_id),))
    assert [(one.name, one.count) for one in estates_of(GONE)] == [("drafts", 1)]
    assert hand_over(GONE, {"drafts": HEIR}) == {"drafts": 1}
    assert draft_of(conversation.pk, HEIR) == draft
    file.refresh_from_db()
    assert file.actor_user_id == HEIR
    assert estates_of(GONE) == []


def test_what_the_heir_has_begun_stays_and_what_was_sent_makes_room():
    busy, _lost = begun(GONE)
    _busy, own = begun(HEIR, "Já respondo", conversation=busy)
    free, draft = begun(GONE)
    sent = uuid4()
    save_draft(free.pk, HEIR, Draft(sent, "Enviado"))
    close_draft(free.pk, HEIR, sent)
    assert hand_over(GONE, {"drafts": HEIR}) == {"drafts": 1}
    assert draft_of(busy.pk, HEIR) == own
    assert draft_of(free.pk, HEIR) == draft
    assert not save_draft(free.pk, HEIR, Draft(sent, "late")), "a late save brings nothing back"


def test_without_an_heir_nothing_is_left():
    begun(GONE)
    empty, draft = begun(GONE)
    close_draft(empty.pk, GONE, draft.key)
    assert [one.count for one in estates_of(GONE)] == [1]
    assert hand_over(GONE, {}) == {}
    assert not ComposerDraft.objects.filter(user_id=GONE).exists()
