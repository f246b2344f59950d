"""Files of messages: what is kept, how much of it, where, and who looks at it first."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from evosense.env import Environment

_MEGABYTE = 1024 * 1024
FAMILIES = ("image", "video", "audio", "document", "other")
_S3 = {
    "MEDIA_S3_ENDPOINT": "endpoint_url",
    "MEDIA_S3_REGION": "region_name",
    "MEDIA_S3_KEY_ID": "access_key",
    "MEDIA_S3_SECRET": "secret_key",
}


@dataclass(frozen=True, slots=True)
class MediaRules:
    """The operator's choices; sizes in bytes."""

    largest: int
    # `other` is what nobody could name: kept for download only, never shown.
    families: frozenset[str]
    # Hosts, without port, whose presigned URLs may be copied; each also covers what is below it.
    source_hosts: frozenset[str]
    # Files of messages older than this are fetched when somebody asks for them.
    fetch_days: int
    # tcp://host:port or unix:///path of clamd; "" means that nothing is scanned.
    scanner: str


def read_media(env: Environment) -> MediaRules:
    families = frozenset(env.items("MEDIA_FAMILIES", ",".join(FAMILIES)))
    for name in sorted(families - set(FAMILIES)):
        env.problem(f"MEDIA_FAMILIES: {name!r} is none of {', '.join(FAMILIES)}")
    scanner = env.text("MEDIA_SCANNER", "")
    parts = urlsplit(scanner)
    if scanner and not (
        (parts.scheme == "tcp" and parts.hostname) or (parts.scheme == "unix" and parts.path)
    ):
        env.problem("MEDIA_SCANNER: neither tcp://host:port nor unix:///path")
    return MediaRules(
        largest=env.integer("MEDIA_MAX_BYTES", 64 * _MEGABYTE),
        families=families,
        source_hosts=frozenset(name.lower() for name in env.items("MEDIA_SOURCE_HOSTS")),
        fetch_days=env.integer("MEDIA_FETCH_DAYS", 7),
        scanner=scanner,
    )


def media_storage(env: Environment) -> dict[str, Any]:
    """Return Django's default storage: the local disk, or a bucket when one is named."""
    bucket = env.text("MEDIA_S3_BUCKET", "")
    if not bucket:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    options: dict[str, Any] = {
        "bucket_name": bucket,
        # Objects are private unless somebody says otherwise, and saying "private" is refused by
        # buckets without ACLs, which Amazon's are by default: AccessControlListNotSupported.
        "default_acl": env.text("MEDIA_S3_ACL", "") or None,
        "querystring_auth": True,
        # Two files never share a name.
        "file_overwrite": False,
        "client_config": _client(env),
        "object_parameters": _encryption(env),
    }
    options |= {option: value for name, option in _S3.items() if (value := env.text(name, ""))}
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def _client(env: Environment) -> Any:
    """Return how boto speaks: a bucket that is away must not hold a page for minutes."""
    # Only installations with a bucket load it: it costs a second at each start.
    from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415

    # Several of those that are not Amazon's refuse checksums that nobody asked for (boto3 #4392).
    is_amazon = not env.text("MEDIA_S3_ENDPOINT", "")
    checksums = "when_supported" if is_amazon else "when_required"
    return Config(
        s3={"addressing_style": env.text("MEDIA_S3_ADDRESSING", "auto")},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        signature_version="s3v4",
        connect_timeout=5,
        read_timeout=60,
        retries={"max_attempts": 2, "mode": "standard"},
    )


def _encryption(env: Environment) -> dict[str, str]:
    """Return how the bucket encrypts each file: AES256, aws:kms with a key, or as it likes."""
    kind, key = env.text("MEDIA_S3_ENCRYPTION", ""), env.text("MEDIA_S3_KMS_KEY", "")
    if kind not in {"", "AES256", "aws:kms"}:
        env.problem("MEDIA_S3_ENCRYPTION: neither AES256 nor aws:kms")
    found = {"ServerSideEncryption": kind} if kind else {}
    return found | ({"SSEKMSKeyId": key} if key else {})
