"""What tests ask of whole pages, where ids, tokens and times hold all short texts by chance."""

import re


def shows_number(html: str, digits: str) -> bool:
    """Tell whether a page holds the digits of a phone number that a mask hides, however written."""
    return bool(re.search(r"[\s()+-]{0,3}".join(digits[2:9]), html))
