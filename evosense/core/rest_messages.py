"""Messages of REST framework that its own Portuguese catalogue lacks or gets wrong.

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

# Its Portuguese says "may be not blank", "more than" for "at least", or has letters missing.
MISTRANSLATED = frozenset(
    {
        gettext_noop("This field may not be blank."),
        gettext_noop("This field may not be null."),
        gettext_noop("This list may not be empty."),
        gettext_noop("This dictionary may not be empty."),
        gettext_noop("This selection may not be empty."),
        gettext_noop("Ensure this field has at least {min_length} characters."),
        gettext_noop("Ensure this field has at least {min_length} elements."),
        gettext_noop("Ensure this field has no more than {max_length} elements."),
        gettext_noop("Ensure this value is greater than or equal to {min_value}."),
    }
)
