"""What a log may say about an exception: where and which kind, never what the data was.

Messages of exceptions quote values: `invalid literal for int(): 'the customer's text'`, or a whole
row after "Failing row contains". Only kinds whose message is about code or machines keep it.
Imported by settings, so it must not import Django.
"""

import traceback
from types import TracebackType

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
_SPEAKS_OF_CODE = frozenset(
    {
        "AttributeError",
        "ImportError",
        "ImproperlyConfigured",
        "NameError",
        "NotImplementedError",
        "OSError",
        "TypeError",
    }
)
# Subclasses of OSError that speak of what was sent instead of the machine.
_SPEAKS_OF_DATA = frozenset({"SMTPException", "HTTPError", "URLError", "UnicodeError"})
_LONGEST_CHAIN = 8


def describe_exception(exc_info: ExcInfo) -> str:
    """Return frames and kinds of an exception and of what it came from, oldest first."""
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(parts) < _LONGEST_CHAIN:
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{frames}{headline(error)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nwhich led to:\n".join(reversed(parts))


def headline(error: BaseException) -> str:
    """Return the kind of an exception, with what of its message cannot be data."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _full_name(kind)
    details = _safe_details(error)
    return f"{name}: {details}" if details else name


def may_quote(kind: type[BaseException]) -> bool:
    """Tell whether messages of this kind of exception are about code or machines."""
    names = {base.__name__ for base in kind.__mro__}
    return bool(names & _SPEAKS_OF_CODE) and not names & _SPEAKS_OF_DATA


def _safe_details(error: BaseException) -> str:
    if may_quote(type(error)):
        return str(error)
    # psycopg: the code of the fault and the names of what it is about, without the values.
    found = getattr(error, "diag", None)
    names = ("sqlstate", "table_name", "column_name", "constraint_name")
    told = [f"{name}={value}" for name in names if (value := getattr(found, name, None))]
    # Ours: a code that never changes.
    code = getattr(error, "code", None)
    if isinstance(code, str) and code.replace("_", "").isalnum() and len(code) <= 40:
        told.append(f"code={code}")
    return " ".join(told)


def _full_name(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
