"""Signatures as Standard Webhooks 1 has them: HMAC-SHA-256 over id, time and body."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.selectors.webhooks_out import webhook_id

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a secret as receivers enter it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(delivery: WebhookDelivery, body: bytes, *, at: datetime) -> dict[str, str]:
    """Return the headers of one attempt; during a rotation both secrets sign."""
    name, seconds = webhook_id(delivery.public_id), str(int(at.timestamp()))
    content = b".".join((name.encode(), seconds.encode(), body))
    signatures = [_signature(secret, content) for secret in _secrets(delivery.endpoint, at)]
    return {
        "webhook-id": name,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(signatures),
    }


def _secrets(endpoint: WebhookEndpoint, at: datetime) -> list[str]:
    old, until = endpoint.old_secret, endpoint.old_secret_until
    is_kept = old is not None and until is not None and until > at
    return [str(endpoint.secret), *([str(old)] if is_kept else [])]


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return f"v1,{base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()}"
