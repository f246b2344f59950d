"""What bytes are, told by themselves. A declared type only decides between sound and film.

puremagic names the container; what it does not know is text when it reads like text, and otherwise
`other`. Programs are refused by their bytes and by their names: people open what they are sent.
"""

import io
from pathlib import PurePosixPath
from typing import IO

import puremagic

from messaging.services.media.kinds import UNKNOWN
from messaging.services.media.refusals import Refused

HEAD = 64 * 1024
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"dex\n",
    b"#!/",
    b"L\x00\x00\x00\x01\x14\x02\x00",
)
_PROGRAM_ENDINGS = frozenset(
    f".{name}"
    for name in (
        *("exe", "dll", "com", "bat", "cmd", "scr", "pif", "cpl", "msi", "msp", "lnk", "reg"),
        *("hta", "js", "jse", "vbs", "vbe", "wsf", "wsh", "ps1", "sh", "chm", "url", "desktop"),
        *("apk", "jar", "dex", "app", "dmg", "iso", "img"),
    )
)
# What puremagic says, by its endings: its types are often missing. The first that is here counts.
_FOUND = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "image/jpeg"),
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".heif": "image/heif",
    ".heic": "image/heif",
    ".pdf": "application/pdf",
    **dict.fromkeys((".ogg", ".oga", ".opus"), "audio/ogg"),
    **dict.fromkeys((".mp3", ".mpga"), "audio/mpeg"),
    ".amr": "audio/amr",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".f4a": "audio/mp4",
    **dict.fromkeys((".mp4", ".m4v"), "video/mp4"),
    **dict.fromkeys((".3gp", ".3ga"), "video/3gpp"),
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    **dict.fromkeys((".zip", ".docx", ".xlsx", ".pptx", ".odt", ".xlsb"), "zip"),
    ".doc": "ole",
    ".rtf": "application/rtf",
    **dict.fromkeys((".html", ".htm", ".svg", ".xml", ".xhtml"), UNKNOWN),
}
_OFFICE = "application/vnd.openxmlformats-officedocument"
# A container that may be several things is what the name says, if that is one of them.
_NAMED = {
    "zip": {
        ".docx": f"{_OFFICE}.wordprocessingml.document",
        ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
        ".pptx": f"{_OFFICE}.presentationml.presentation",
        ".odt": "application/vnd.oasis.opendocument.text",
        ".ods": "application/vnd.oasis.opendocument.spreadsheet",
        ".odp": "application/vnd.oasis.opendocument.presentation",
        "": "application/zip",
    },
    "ole": {
        ".xls": "application/vnd.ms-excel",
        ".ppt": "application/vnd.ms-powerpoint",
        ".doc": "application/msword",
        "": UNKNOWN,
    },
    "text": {
        ".csv": "text/csv",
        ".vcf": "text/vcard",
        ".ics": "text/calendar",
        ".json": "application/json",
        "": "text/plain",
    },
}
# Film or sound alone may be in each of these.
_SOUND_OF = {
    "video/mp4": "audio/mp4",
    "video/webm": "audio/webm",
    "video/3gpp": "audio/mp4",
    "video/quicktime": "audio/mp4",
}
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27})


def sniff(content: IO[bytes], *, name: str = "", is_sound: bool = False) -> str:
    """Return the type of a file; raises Refused("wrong_type") for programs.

    `is_sound` is what the sender declared, asked only where bytes of both kinds look the same.
    """
    content.seek(0)
    head = content.read(HEAD)
    content.seek(0)
    ending = PurePosixPath(name.lower()).suffix
    if head.startswith(_PROGRAMS) or is_program(name):
        raise Refused("wrong_type")
    found = _container(head)
    if found in _NAMED:
        return _NAMED[found].get(ending) or _NAMED[found][""]
    if found == "video/webm":
        return found if _has_film(head, is_sound=is_sound) else "audio/webm"
    return _SOUND_OF.get(found, found) if is_sound else found


def is_program(name: str) -> bool:
    """Tell whether a file of that name would be run by whoever opens it."""
    return PurePosixPath(name.lower()).suffix in _PROGRAM_ENDINGS


def _container(head: bytes) -> str:
    try:
        candidates = puremagic.magic_stream(io.BytesIO(head))
    except (puremagic.PureError, ValueError):
        candidates = []
    named = (_FOUND[one.extension.lower()] for one in candidates if one.extension.lower() in _FOUND)
    found = next(named, "")
    return found or ("text" if _reads_as_text(head) else UNKNOWN)


def _reads_as_text(head: bytes) -> bool:
    """Tell whether it is text that no browser would take for a page."""
    if not head or head.translate(None, _CONTROLS) != head:
        return False
    return not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _has_film(head: bytes, *, is_sound: bool) -> bool:
    """WebM names its codecs near the beginning: V_VP8, V_VP9, V_AV1; A_OPUS, A_VORBIS."""
    if b"V_VP" in head or b"V_AV1" in head:
        return True
    return not (is_sound or b"A_OPUS" in head or b"A_VORBIS" in head)
