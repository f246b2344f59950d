"""Connection state and pairing."""

from messaging.ingest.envelope.facts import ConnectionStateFact, Fact, Ignored, QrFact
from messaging.ingest.envelope.item import Item
from messaging.ingest.envelope.jids import norm_jid
from messaging.ingest.envelope.scalars import as_map, clean_name, text_of, to_instant, to_int

_STATES = {"open": "open", "connecting": "connecting", "refused": "refused"}
# A device removed from the phone needs pairing; a ban needs a human, and never a retry.
_CLOSED = {401: "logged_out", 402: "forbidden", 403: "forbidden", 406: "forbidden"}
_MAX_QR = 200_000


def connection(item: Item) -> list[Fact]:
    data = item.fields()
    state = text_of(data.get("state")).lower()
    reason = to_int(data.get("statusReason"))
    if state == "close":
        neutral = _CLOSED.get(reason or 0, "closed")
    elif state in _STATES:
        neutral = _STATES[state]
    else:
        return [Ignored("connection state")]
    return [
        ConnectionStateFact(
            state=neutral,
            at=item.now,
            reason=reason,
            own_jid=norm_jid(data.get("wuid")),
            profile_name=clean_name(data.get("profileName")),
            picture_url=text_of(data.get("profilePictureUrl"))[:2000],
        )
    ]


def status_instance(item: Item) -> list[Fact]:
    data = item.fields()
    if text_of(data.get("status")).lower() not in ("closed", "removed"):
        return [Ignored("instance status")]
    reason = to_int(data.get("disconnectionReasonCode"))
    at = to_instant(data.get("disconnectionAt"), item.now) or item.now
    return [ConnectionStateFact(_CLOSED.get(reason or 0, "closed"), at, reason)]


def logout(item: Item) -> list[Fact]:
    return [ConnectionStateFact("logged_out", item.now, 401)]


def removed(item: Item) -> list[Fact]:
    return [ConnectionStateFact("removed", item.now)]


def qrcode(item: Item) -> list[Fact]:
    data = item.fields()
    qr = as_map(data.get("qrcode"))
    if "qrcode" not in data:
        return [ConnectionStateFact("qr_expired", item.now, to_int(data.get("statusCode")))]
    code = text_of(qr.get("code"))[:2000]
    image, pairing = text_of(qr.get("base64")), text_of(qr.get("pairingCode"))[:32]
    if not (code or image or pairing):
        # The receiver has taken the secret out of the stored body and shown it already.
        return [ConnectionStateFact("qr_pending", item.now)]
    image = image if len(image) <= _MAX_QR else ""
    return [QrFact(code, image, pairing), ConnectionStateFact("qr_pending", item.now)]
