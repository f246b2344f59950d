"""Sending: one door for pages, the API and automation. `messaging.sender` carries it out."""

from messaging.services.sending.acts import (
    delete_message,
    edit_message,
    forward_message,
    mark_read,
    post_status,
    react,
)
from messaging.services.sending.decisions import cancel, resolve, retry
from messaging.services.sending.messages import send_message
from messaging.services.sending.refusals import sending_refusal
from messaging.services.sending.replaying import Replayed, replay_failed, replayable_count
from messaging.services.sending.requests import SendRequest

__all__ = [
    "Replayed",
    "SendRequest",
    "cancel",
    "delete_message",
    "edit_message",
    "forward_message",
    "mark_read",
    "post_status",
    "react",
    "replay_failed",
    "replayable_count",
    "resolve",
    "retry",
    "send_message",
    "sending_refusal",
]
