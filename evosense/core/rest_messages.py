"""Messages of REST framework that its own Portuguese catalogue lacks.

Catalogues are one at run time: what is named here is translated in ours, and the framework's own
texts are then found there. `code` says the same in every language.
"""

from django.utils.translation import gettext_noop

UNTRANSLATED = frozenset(
    {
        gettext_noop("A valid biginteger is required."),
        gettext_noop("Integer value too large to convert to float"),
    }
)
