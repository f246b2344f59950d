from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import EncryptedTextField
from evosense.core.ids import uuid7


class Contact(models.Model):
    """A person or a group. Addresses are identities; a person may have several."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        GROUP = "group", _("Group")

    class NameSource(models.TextChoices):
        """Who gave the name; a later source replaces only a weaker one."""

        NONE = "", _("Unknown")
        PROFILE = "profile", _("WhatsApp profile")
        ADDRESS_BOOK = "address_book", _("Address book of the phone")
        AGENT = "agent", _("Typed here")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PERSON)
    name = models.CharField(max_length=200, blank=True, default="")
    name_source = models.CharField(
        max_length=16, choices=NameSource.choices, blank=True, default=NameSource.NONE
    )
    # When the name was said; of names from equal sources the one said last stays.
    name_at = models.DateTimeField(null=True)
    push_name = models.CharField(max_length=200, blank=True, default="")
    push_name_at = models.DateTimeField(null=True)
    # Lower case without accents, for look-up by the start of any word of the name.
    search_name = models.TextField(blank=True, default="")
    avatar_url = models.TextField(blank=True, default="")
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["person", "group"]),
                name="messaging_contact_kind_known",
            )
        ]
        indexes = [
            GinIndex(
                SearchVector("search_name", config="simple"), name="messaging_contact_by_name"
            ),
            models.Index(fields=["-updated_at", "-id"], name="messaging_contact_recent"),
        ]

    def __str__(self) -> str:
        return f"contact {self.pk}"


class Identity(models.Model):
    """One address of a contact: phone, LID or group id. Numbers are readable only with the key."""

    class Kind(models.TextChoices):
        PHONE = "pn", _("Phone")
        LID = "lid", _("WhatsApp id without number")
        GROUP = "group", _("Group")

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="identities")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    # The `sender` hash of the source schema: HMAC under the tenant's key, over "kind|address".
    hmac = models.BinaryField(max_length=32)
    # Same key for both forms of a Brazilian mobile number.
    br_hmac = models.BinaryField(max_length=32, null=True)
    # HMAC of the last four digits, for look-up by the end of a number.
    tail_hmac = models.BinaryField(max_length=32, null=True)
    address = EncryptedTextField()
    key_version = models.PositiveSmallIntegerField(default=1)
    first_seen = models.DateTimeField(db_default=Now())
    last_seen = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hmac"], name="messaging_identity_unique"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["pn", "lid", "group"]),
                name="messaging_identity_kind_known",
            ),
        ]
        indexes = [
            models.Index(fields=["br_hmac"], name="messaging_identity_br"),
            models.Index(fields=["tail_hmac"], name="messaging_identity_tail"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} identity {self.pk}"


class ContactMerge(models.Model):
    """The log of one merge, with all that undoing it needs."""

    winner = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="merges_won")
    loser = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="merges_lost")
    reason = models.CharField(max_length=24)
    actor_user_id = models.BigIntegerField(null=True)
    identity_ids = ArrayField(models.BigIntegerField(), default=list)
    # One entry a connection: both conversations and the ids of the messages that moved.
    conversations = models.JSONField(default=list)
    # Ids of messages in other people's conversations (groups) whose author changed.
    authored_message_ids = ArrayField(models.BigIntegerField(), default=list)
    snapshot = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True)
    undone_by_user_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.loser_id} into {self.winner_id}"


class GroupMember(models.Model):
    """Who is in a group, as far as events told."""

    group = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="members", db_index=False
    )
    member = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="groups")
    role = models.CharField(max_length=12, default="member")
    is_present = models.BooleanField(default=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "member"], name="messaging_groupmember_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=["member", "admin", "superadmin"]),
                name="messaging_groupmember_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.group_id}"
