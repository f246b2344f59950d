"""The person asking, as histories name them."""

from django.http import HttpRequest

from analytics.prompting.versions import Author
from evosense.core.pages import user_id


def author_of(request: HttpRequest) -> Author:
    """Return id and name; the e-mail stands in for people who gave no name."""
    name = getattr(request.user, "name", "") or getattr(request.user, "email", "")
    return Author(user_id(request), str(name))
