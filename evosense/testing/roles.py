"""The database's roles over a test database, taken back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tenancy.db.roles import RoleNames, make_roles

KINDS = ("owner", "app", "readonly", "backup")
PASSWORD = "a-long-password-of-a-test"


@contextmanager
def made_roles(names: RoleNames) -> Iterator[None]:
    """Make the roles; afterwards the superuser of the test owns everything again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        superuser = cursor.fetchone()[0]
    make_roles(names, dict.fromkeys(KINDS[:2], PASSWORD))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for name in (names.owner, names.app, names.readonly, names.backup):
                cursor.execute(f'REASSIGN OWNED BY "{name}" TO "{superuser}"')
                cursor.execute(f'DROP OWNED BY "{name}"')
                cursor.execute(f'DROP ROLE "{name}"')
