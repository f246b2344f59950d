"""Where ciphertexts are kept, so that a change of keys finds every one of them.

Columns of EncryptedTextField are found by their type; who seals by hand (`crypto.encrypt`) into
another kind of column registers it here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from evosense.core.crypto import EncryptedTextField


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column with ciphertexts of `place`.

    `owner` is the column with the id of the tenant that they were sealed for; without one it is
    the tenant of the schema, or nobody in the shared one. `keys` names the entries of a JSON
    object that hold ciphertexts in base64; without any the column itself is the ciphertext.
    """

    model: str
    column: str
    place: str
    owner: str = ""
    keys: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return self._model._meta.db_table  # noqa: SLF001

    @property
    def app(self) -> str:
        """Return the Django app that the table belongs to, as INSTALLED_APPS names it."""
        return self._model._meta.app_config.name  # noqa: SLF001

    @property
    def key(self) -> "models.Field[Any, Any]":
        """Return the primary key."""
        return self._model._meta.pk  # noqa: SLF001

    @property
    def _model(self) -> type[models.Model]:
        return apps.get_model(self.model)


_by_hand: dict[tuple[str, str], SealedColumn] = {}


def register_sealed(column: SealedColumn) -> None:
    """Name a column that is sealed by hand; call it from AppConfig.ready."""
    _by_hand[column.model, column.column] = column


def sealed_columns(app_names: Iterable[str]) -> list[SealedColumn]:
    """Return every column of the apps that holds ciphertexts."""
    wanted = frozenset(app_names)
    by_type = [
        SealedColumn(model._meta.label, str(field.column), field.place)  # noqa: SLF001
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields  # noqa: SLF001
        if isinstance(field, EncryptedTextField)
    ]
    return [one for one in (*by_type, *_by_hand.values()) if one.app in wanted]
