"""What a bubble shows of a file: the picture, a player, a card, or why there is none."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from evosense.core.templatetags.ui import filesize_short
from messaging.models import MessageMedia
from messaging.services.media import media_link
from messaging.services.media.fetching import may_retry
from messaging.services.media.kinds import may_show

# As wide as a picture in a bubble (.photo), and as high as fits a phone.
WIDTH, HEIGHT = 264, 340
STICKER = 128
SHORT_FORMAT = 5
_STORED = MessageMedia.Status.STORED


@dataclass(frozen=True)
class MediaPart:
    """The file of one message on its page."""

    media: MessageMedia

    @property
    def shape(self) -> str:
        """photo, sticker, audio, video, or card for everything else."""
        media = self.media
        if media.status != _STORED or not may_show(media.kind, media.mime):
            return "card"
        if media.kind in {"image", "sticker"}:
            is_seen = bool(media.thumb_key and media.width and media.height)
            return {"image": "photo", "sticker": "sticker"}[media.kind] if is_seen else "card"
        return media.kind

    @property
    def is_stored(self) -> bool:
        return self.media.status == _STORED

    @property
    def thumb(self) -> str:
        return media_link(self.media, "thumb")

    @property
    def box(self) -> tuple[int, int]:
        """Width and height on the page, so that nothing moves when the picture arrives."""
        width, height = self.media.width or 1, self.media.height or 1
        most = (STICKER, STICKER) if self.media.kind == "sticker" else (WIDTH, HEIGHT)
        scale = min(most[0] / width, most[1] / height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    @property
    def is_wide(self) -> bool:
        """Tell whether it fills the bubble's width; tall ones keep theirs."""
        return self.box[0] == WIDTH

    @property
    def is_waiting(self) -> bool:
        return self.media.status == MessageMedia.Status.PENDING

    @property
    def may_retry(self) -> bool:
        return not self.is_waiting and may_retry(self.media)

    @property
    def words(self) -> str:
        """Format, size and where the file is: JPG, 412 KB, being fetched."""
        media = self.media
        ending = media.name.rsplit(".", 1)[-1] if "." in media.name else media.mime.split(";")[0]
        short = ending.rsplit("/", 1)[-1].upper()
        shown = (
            short if len(short) <= SHORT_FORMAT else "",
            filesize_short(media.size) if media.size else "",
            self.state,
        )
        return ", ".join(part for part in shown if part)

    @property
    def state(self) -> str:
        """Say where the file is, "" when it is here."""
        status, code = self.media.status, self.media.failure
        if status == MessageMedia.Status.PENDING:
            return _waiting(code)
        if status == MessageMedia.Status.UNAVAILABLE:
            return _gone(code)
        return _not_kept(code) if status == MessageMedia.Status.SKIPPED else ""

    @property
    def version(self) -> str:
        """Text that changes whenever it must be drawn again."""
        return f"{self.media.status}{self.media.failure}{len(self.media.transcript or '')}"


def _waiting(code: str) -> str:
    if not code or code == "asked":
        return _("being fetched")
    ours = {
        "scanner_away": _("waiting for the virus scanner"),
        "storage_away": _("waiting for our storage"),
        "lost": _("lost from our storage, being fetched again"),
    }
    return ours.get(code) or _("not there yet, will be tried again")


def _gone(code: str) -> str:
    words = {
        "no_server": _("the connection has no server to fetch it from"),
        "no_key": _("the connection has no key to fetch it with"),
        "unsupported_version": _("this version of the server gives no files"),
        "damaged": _("the file is damaged"),
        "empty": _("the file is empty"),
        "unscanned": _("larger than the virus scanner reads"),
        "not_connected": _("the number was not connected"),
    }
    return words.get(code) or _("no longer available")


def _not_kept(code: str) -> str:
    words = {
        "view_once": _("opens once, only on the phone"),
        "old": _("from before, fetched when you ask"),
        "too_large": _("not kept: too large"),
        "wrong_type": _("not kept: files of this kind are dangerous"),
        "infected": _("not kept: the virus scanner found something"),
    }
    return words.get(code) or _("not kept, as the settings say")
