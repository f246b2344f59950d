"""Give a message the file that somebody uploaded."""

from messaging.models import Message, MessageMedia, Upload


def attach(upload: Upload, message: Message) -> MessageMedia:
    """Return the message's media (stored), with the upload marked as used.

    Runs in the caller's transaction. A file may be attached to several messages (forwarding).
    """
    raise NotImplementedError
