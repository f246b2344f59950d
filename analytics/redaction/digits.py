"""Check digits: what tells a document or a card from an order number of the same length."""


def is_card(digits: str) -> bool:
    """Tell whether 13 to 19 digits satisfy Luhn's rule."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = 0
    for place, sign in enumerate(reversed(digits)):
        value = int(sign) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_cpf(digits: str) -> bool:
    """Tell whether 11 digits end in the two check digits of a CPF."""
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    return all(int(digits[place]) == _cpf_digit(digits[:place]) for place in (9, 10))


def is_cnpj(signs: str) -> bool:
    """Tell whether 14 signs are a CNPJ, also of the form with letters that began in July 2026.

    A sign counts as its code less 48: digits keep their value, A is 17.
    """
    if len(signs) != 14 or not signs[12:].isdigit() or len(set(signs)) == 1:
        return False
    return all(int(signs[place]) == _cnpj_digit(signs[:place]) for place in (12, 13))


def _cpf_digit(digits: str) -> int:
    weights = range(len(digits) + 1, 1, -1)
    rest = sum(int(sign) * weight for sign, weight in zip(digits, weights, strict=True)) * 10 % 11
    return 0 if rest == 10 else rest


def _cnpj_digit(signs: str) -> int:
    # From the right 2 to 9, again and again.
    values = (ord(sign) - 48 for sign in reversed(signs))
    rest = sum(value * (2 + place % 8) for place, value in enumerate(values)) % 11
    return 0 if rest < 2 else 11 - rest
