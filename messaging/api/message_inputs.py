"""What programs post to have something sent, and the service's words that it becomes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from evosense.core.errors import DomainError, Invalid
from evosense.core.rest import Fields, NumberField, UtcDateTimeField
from messaging.models import Outgoing
from messaging.services.sending.contents import CAPTIONED

_ACTS = {"status", "reaction", "edit", "delete", "read"}
TYPES = [kind for kind in Outgoing.Kind.values if kind not in _ACTS]
FILE_TYPES = frozenset({"image", "video", "video_note", "audio", "voice", "document", "sticker"})
# Types whose content stands under their own name.
GROUPS = frozenset({"location", "poll", "list", "buttons", "template"})
_TO = "A number with country code in any form, or a WhatsApp address."
_CONTENT = GROUPS | {"text", "media", "contacts"}
# Fields as the services name them → as the body does.
_NAMES = {
    "kind": "type",
    "connection_id": "connection",
    "conversation_id": "conversation",
    "caption": "text",
}


class MediaInputSerializer(Fields):
    upload = serializers.UUIDField(required=False, help_text="Id that `POST /uploads` answered.")
    url = serializers.CharField(
        required=False, max_length=2000, help_text="Fetched at once, https only."
    )
    base64 = serializers.CharField(
        required=False, help_text="For small files; the whole body is at most 1 MiB."
    )
    name = serializers.CharField(required=False, max_length=255, help_text="As people see it.")


class LocationInputSerializer(Fields):
    latitude = NumberField(min_value=-90, max_value=90)
    longitude = NumberField(min_value=-180, max_value=180)
    name = serializers.CharField(required=False, allow_blank=True, max_length=1000)
    address = serializers.CharField(required=False, allow_blank=True, max_length=1000)


class CardInputSerializer(Fields):
    name = serializers.CharField(max_length=200)
    phone = serializers.CharField(max_length=40)
    organization = serializers.CharField(required=False, max_length=300)
    email = serializers.CharField(required=False, max_length=300)
    url = serializers.CharField(required=False, max_length=300)


class PollInputSerializer(Fields):
    name = serializers.CharField(max_length=255)
    options = serializers.ListField(
        child=serializers.CharField(max_length=100), min_length=2, max_length=10
    )
    selectable = serializers.IntegerField(
        required=False, min_value=0, max_value=10, help_text="0: as many as people like. Default 1."
    )


class ListRowSerializer(Fields):
    id = serializers.CharField(max_length=200)
    title = serializers.CharField(max_length=24)
    description = serializers.CharField(required=False, allow_blank=True, max_length=72)


class ListSectionSerializer(Fields):
    title = serializers.CharField(max_length=24)
    rows = ListRowSerializer(many=True)


class ListInputSerializer(Fields):
    title = serializers.CharField(max_length=60)
    text = serializers.CharField(max_length=1024)
    button = serializers.CharField(max_length=20)
    footer = serializers.CharField(required=False, allow_blank=True, max_length=60)
    sections = ListSectionSerializer(many=True)


class ButtonSerializer(Fields):
    type = serializers.ChoiceField(choices=["reply", "copy", "url", "call", "pix"])
    text = serializers.CharField(max_length=25)
    id = serializers.CharField(required=False, max_length=200, help_text="reply")
    code = serializers.CharField(required=False, max_length=300, help_text="copy")
    url = serializers.CharField(required=False, max_length=300, help_text="url")
    phone = serializers.CharField(required=False, max_length=40, help_text="call")
    name = serializers.CharField(required=False, max_length=300, help_text="pix: the recipient")
    key_type = serializers.ChoiceField(
        required=False, choices=["phone", "email", "cpf", "cnpj", "random"], help_text="pix"
    )
    key = serializers.CharField(required=False, max_length=300, help_text="pix")


class ButtonsInputSerializer(Fields):
    title = serializers.CharField(max_length=60)
    text = serializers.CharField(max_length=1024)
    footer = serializers.CharField(required=False, allow_blank=True, max_length=60)
    buttons = ButtonSerializer(many=True)


class TemplateInputSerializer(Fields):
    name = serializers.CharField(max_length=512)
    language = serializers.CharField(max_length=16)
    components = serializers.ListField(child=serializers.DictField(), required=False)
    text = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="As it reads with its variables.",
    )


class MessageInputSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=TYPES)
    to = serializers.CharField(required=False, max_length=128, help_text=_TO)
    conversation = serializers.UUIDField(required=False, help_text="Instead of `to`.")
    connection = serializers.UUIDField(required=False, help_text="Default: the default one.")
    reply_to = serializers.UUIDField(required=False, help_text="Message that is quoted.")
    text = serializers.CharField(
        required=False, max_length=65_536, help_text="The text, or the caption of a file."
    )
    link_preview = serializers.BooleanField(required=False)
    media = MediaInputSerializer(required=False)
    location = LocationInputSerializer(required=False)
    contacts = CardInputSerializer(required=False, many=True)
    poll = PollInputSerializer(required=False)
    list = ListInputSerializer(required=False)
    buttons = ButtonsInputSerializer(required=False)
    template = TemplateInputSerializer(required=False)
    mentions = serializers.ListField(
        child=serializers.CharField(max_length=128), required=False, max_length=1024
    )
    mention_everyone = serializers.BooleanField(required=False)
    typing_ms = serializers.IntegerField(required=False, min_value=0, max_value=5000)
    expires_at = UtcDateTimeField(required=False, help_text="Not sent any more from then on.")


class ForwardInputSerializer(serializers.Serializer[Any]):
    to = serializers.CharField(required=False, max_length=128, help_text=_TO)
    conversation = serializers.UUIDField(required=False, help_text="Instead of `to`.")
    connection = serializers.UUIDField(required=False, help_text="Default: the one of the message.")


class ReactionInputSerializer(serializers.Serializer[Any]):
    emoji = serializers.CharField(
        max_length=40, allow_blank=True, help_text="Empty: take ours away."
    )


class EditInputSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=65_536)


class ResolutionInputSerializer(serializers.Serializer[Any]):
    was_sent = serializers.BooleanField(help_text="What a look at the phone has shown.")


class StatusPostInputSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["text", "image", "video", "audio"])
    text = serializers.CharField(required=False, max_length=700, help_text="Text, or caption.")
    media = MediaInputSerializer(required=False)
    background = serializers.RegexField(
        "^#[0-9A-Fa-f]{6}$", required=False, help_text="Colour behind a text."
    )
    font = serializers.IntegerField(required=False, min_value=1, max_value=5)
    audience = serializers.ListField(
        child=serializers.CharField(max_length=128),
        required=False,
        min_length=1,
        max_length=1024,
        help_text="WhatsApp addresses; without it every contact of the number.",
    )


def refuse_unused(fields: dict[str, Any]) -> None:
    """Refuse content that this type would leave out: it would look as if it had been sent."""
    kind = fields["type"]
    files = {"media", "text"} if kind in CAPTIONED else {"media"}
    used = files if kind in FILE_TYPES else {"contacts" if kind == "contact" else kind}
    for name in sorted(_CONTENT & fields.keys() - used):
        if name == "text" and kind in FILE_TYPES:
            message = _("This kind of message carries no text. Send it as a message of its own.")
            raise Invalid("no_caption", message, field=name)
        if name == "media":
            message = _("This file does not fit this kind of message.")
            raise Invalid("wrong_type", message, field=name)
        raise Invalid("unknown_field", _("There is no such field."), field=name)


def payload_of(fields: dict[str, Any], file: dict[str, Any] | None) -> dict[str, Any]:
    """Return the content of a body in the services' words (`services.sending.contents`)."""
    kind = fields["type"]
    common = ("mentions", "mention_everyone", "typing_ms", "link_preview")
    payload = {name: fields[name] for name in common if name in fields}
    if kind in GROUPS:
        return {**payload, **fields.get(kind, {})}
    if kind == "contact":
        return payload | {"contacts": fields.get("contacts", [])}
    if kind in FILE_TYPES:
        return payload | {"media": file, "caption": fields.get("text", "")}
    return payload | {"text": fields.get("text", "")}


def status_payload_of(fields: dict[str, Any], file: dict[str, Any] | None) -> dict[str, Any]:
    """Return a status post in the service's words."""
    names = ("type", "background", "font", "audience")
    payload = {name: fields[name] for name in names if name in fields}
    if fields["type"] == "text":
        return payload | {"text": fields.get("text", "")}
    return payload | {"media": file, "caption": fields.get("text", "")}


@contextmanager
def naming_fields(group: str = "") -> Iterator[None]:
    """Let refusals name the field of the body that they are about."""
    try:
        yield
    except DomainError as refusal:
        if refusal.field:
            name = _NAMES.get(refusal.field, refusal.field)
            is_outer = name in MessageInputSerializer().fields or name.startswith("media.")
            refusal.field = name if is_outer or not group else f"{group}.{name}"
        raise
