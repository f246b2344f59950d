"""What happens to a pooled connection between two users. Imported by settings: no Django here."""

from typing import Any

import psycopg


def reset_search_path(connection: psycopg.Connection[Any]) -> None:
    """Forget the last tenant, so that a statement outside our wrapper finds no tenant table.

    A pooled connection was measured to hand the previous tenant's path to raw statements.
    """
    connection.execute("RESET search_path")
    connection.commit()
