"""`data.message` for every kind of content, in the spelling of one version."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any

from messaging.simulator import media_bytes
from messaging.simulator.dice import dice
from messaging.simulator.encoding import (
    SINGLE_SELECT,
    TEXT_REPLY,
    encode_bytes,
    encode_enum,
    encode_int,
)
from messaging.simulator.versions import Family

if TYPE_CHECKING:
    from messaging.simulator.dice import Dice

Content = tuple[str, dict[str, Any]]
"""(messageType, message without its siblings)."""

EMPTY_CONTEXT: dict[str, Any] = {"mentionedJid": [], "groupMentions": [], "statusAttributions": []}
MIMES = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "ptv": "video/mp4",
    "audio": "audio/ogg; codecs=opus",
    "document": "application/pdf",
    "sticker": "image/webp",
}
SECRETS = 48
IMAGE_COLUMNS, IMAGE_ROWS = 40, 30
"""In blocks of 8 x 8."""


class Contents:
    """Builds message contents; big repeated parts are made once and shared."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._secrets = [self._device_info(number) for number in range(SECRETS)]
        self._hashes = [
            encode_bytes(family, dice("hash", number).randbytes(32)) for number in range(SECRETS)
        ]
        self._thumbnails = [
            encode_bytes(family, media_bytes.jpeg(number, 4, 3)) for number in range(16)
        ]

    def device_info(self, die: Dice) -> dict[str, Any]:
        return die.pick(self._secrets)

    def text(self, text: str) -> Content:
        return "conversation", {"conversation": text}

    def media(self, die: Dice, kind: str, caption: str, detail: str, at: int) -> Content:
        """`kind` is image, video, audio, document or sticker."""
        body: dict[str, Any] = {
            "url": f"https://mmg.whatsapp.net/o1/v/t24/f2/m{die.randrange(999)}/{die.hex(12)}.enc",
            "mimetype": MIMES[kind],
            "fileSha256": "",
            "fileLength": 0,
            "mediaKey": die.pick(self._hashes),
            "fileEncSha256": die.pick(self._hashes),
            "directPath": f"/o1/v/t24/f2/{die.hex(8)}.enc?ccb=9-4",
            "mediaKeyTimestamp": encode_int(self.family, at, unsigned=False),
        }
        if caption:
            body["caption"] = caption
        elif kind == "image" and die.chance(0.02):
            body["viewOnce"] = True
        body |= self._own_fields(die, kind, detail, at)
        self.describe(body, file_of(kind, body))
        return f"{kind}Message", {f"{kind}Message": body}

    def describe(self, body: dict[str, Any], file: bytes, mime: str = "") -> None:
        """Write down the true size and hash of the file behind `body`."""
        body["fileLength"] = encode_int(self.family, len(file))
        body["fileSha256"] = encode_bytes(self.family, hashlib.sha256(file).digest())
        if mime:
            body["mimetype"] = mime

    def _own_fields(self, die: Dice, kind: str, detail: str, at: int) -> dict[str, Any]:
        if kind == "image":
            return {
                "interactiveAnnotations": [],
                "scanLengths": [],
                "annotations": [],
                "height": IMAGE_ROWS * 8,
                "width": IMAGE_COLUMNS * 8,
                "jpegThumbnail": die.pick(self._thumbnails),
                "contextInfo": dict(EMPTY_CONTEXT),
            }
        if kind == "video":
            return {
                "seconds": die.randint(3, 60),
                "gifPlayback": die.chance(0.2),
                "height": 848,
                "width": 480,
                "jpegThumbnail": die.pick(self._thumbnails),
            }
        if kind == "audio":
            wave = bytes(die.randrange(100) for _ in range(24))
            return {
                "ptt": True,
                "seconds": int(detail or 7),
                "waveform": encode_bytes(self.family, wave),
            }
        if kind == "document":
            name = detail or "documento.pdf"
            return {"fileName": name, "title": name, "pageCount": die.randint(1, 6)}
        return {
            "url": "https://web.whatsapp.net/",
            "height": 64,
            "width": 64,
            "isAnimated": False,
            "stickerSentTs": encode_int(self.family, at * 1000, unsigned=False),
            "isAvatar": False,
        }

    def location(self, die: Dice, name: str, address: str) -> Content:
        body: dict[str, Any] = {
            "degreesLatitude": round(-25.4 - die.random() * 0.2, 6),
            "degreesLongitude": round(-49.2 - die.random() * 0.2, 6),
            "jpegThumbnail": die.pick(self._thumbnails),
        }
        if name:
            body |= {"name": name, "address": address}
        return "locationMessage", {"locationMessage": body}

    def contact(self, name: str, phone: str) -> Content:
        card = (
            f"BEGIN:VCARD\nVERSION:3.0\nN:;{name};;;\nFN:{name}\n"
            f"item1.TEL;waid={phone}:+{phone}\nitem1.X-ABLabel:Celular\nEND:VCARD"
        )
        return "contactMessage", {"contactMessage": {"displayName": name, "vcard": card}}

    def reaction(self, key: dict[str, Any], emoji: str, at: float) -> Content:
        body = {
            "key": key,
            "text": emoji,
            "senderTimestampMs": encode_int(self.family, int(at * 1000), unsigned=False),
        }
        return "reactionMessage", {"reactionMessage": body}

    def poll(self, name: str, options: list[str], selectable: int = 1) -> Content:
        body = {
            "options": [{"optionName": option} for option in options],
            "name": name,
            "selectableOptionsCount": selectable,
        }
        return "pollCreationMessageV3", {"pollCreationMessageV3": body}

    def vote(self, poll_key: dict[str, Any], option: str, at: float) -> Content:
        body = {
            "pollCreationMessageKey": poll_key,
            "vote": {"selectedOptions": [option]},
            "senderTimestampMs": encode_int(self.family, int(at * 1000), unsigned=False),
        }
        return "pollUpdateMessage", {"pollUpdateMessage": body}

    def button_reply(self, row: str, text: str) -> Content:
        body = {
            "selectedButtonId": row,
            "selectedDisplayText": text,
            "type": encode_enum(self.family, TEXT_REPLY),
        }
        return "buttonsResponseMessage", {"buttonsResponseMessage": body}

    def list_reply(self, row: str, title: str) -> Content:
        body = {
            "title": title,
            "listType": encode_enum(self.family, SINGLE_SELECT),
            "singleSelectReply": {"selectedRowId": row},
        }
        return "listResponseMessage", {"listResponseMessage": body}

    def ad_click(self, die: Dice) -> dict[str, Any]:
        """The `contextInfo` that a click on an advertisement leaves on the first message."""
        campaign = die.randint(1, 6)
        return {
            **EMPTY_CONTEXT,
            "conversionSource": "FB_Ads",
            "conversionData": die.pick(self._hashes),
            "conversionDelaySeconds": die.randint(3, 40),
            "externalAdReply": {
                "title": f"Campanha {campaign}",
                "body": "Fale com a gente pelo WhatsApp",
                "mediaType": encode_enum(self.family, ("IMAGE", 1)),
                "thumbnailUrl": "https://scontent.example/ads/1.jpg",
                "sourceType": "ad",
                "sourceId": f"12021000000000{campaign:04d}",
                "sourceUrl": f"https://fb.example/ad{campaign}",
                "containsAutoReply": False,
                "renderLargerThumbnail": True,
                "showAdAttribution": True,
                "ctwaClid": f"ARA{die.hex(40)}",
            },
            "entryPointConversionSource": "ctwa_ad",
            "entryPointConversionApp": die.pick(("instagram", "facebook")),
            "entryPointConversionDelaySeconds": die.randint(3, 40),
        }

    def _device_info(self, number: int) -> dict[str, Any]:
        die = dice("device", number)
        family = self.family
        stamp = 1_763_110_000 + number * 86
        return {
            "threadId": [],
            "deviceListMetadata": {
                "senderKeyIndexes": [],
                "recipientKeyIndexes": [],
                "senderKeyHash": encode_bytes(family, die.randbytes(10)),
                "senderTimestamp": encode_int(family, stamp),
                "recipientKeyHash": encode_bytes(family, die.randbytes(10)),
                "recipientTimestamp": encode_int(family, stamp + 86_400),
            },
            "deviceListMetadataVersion": 2,
            "messageSecret": encode_bytes(family, die.randbytes(32)),
        }


def media_file(message: dict[str, Any]) -> tuple[str, bytes] | None:
    """The type and the bytes behind a media content, or None when there is no media in it."""
    for kind, mime in MIMES.items():
        body = message.get(f"{kind}Message")
        if isinstance(body, dict):
            return str(body.get("mimetype") or mime), file_of(kind, body)
    return None


def file_of(kind: str, body: dict[str, Any]) -> bytes:
    if kind == "image":
        number = zlib.crc32(str(body.get("directPath")).encode()) % 400
        return media_bytes.jpeg(number, IMAGE_COLUMNS, IMAGE_ROWS)
    if kind == "audio":
        return media_bytes.opus(int(body.get("seconds") or 3))
    if kind == "document":
        return media_bytes.pdf(str(body.get("fileName") or "documento"))
    return media_bytes.WEBP if kind == "sticker" else media_bytes.mp4()
