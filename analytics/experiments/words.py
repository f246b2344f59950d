"""Numbers of a comparison as people read them, and the sentences around them."""

from collections.abc import Mapping
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.providers.money import money_words
from evosense.core.templatetags.ui import NOTHING
from evosense.core.wording import number_words

MINUS = "\N{MINUS SIGN}"
METRICS: dict[str, tuple[Any, Any]] = {
    "sentiment_accuracy": (gettext_lazy("Sentiment right, 5 levels"), ""),
    "sentiment_mae": (
        gettext_lazy("Mean error of the sentiment"),
        gettext_lazy("MAE, lower is better"),
    ),
    "sentiment_kappa": (
        gettext_lazy("Agreement on the sentiment"),
        gettext_lazy("quadratic weighted κ"),
    ),
    "satisfaction_kappa": (
        gettext_lazy("Agreement on the satisfaction"),
        gettext_lazy("quadratic weighted κ"),
    ),
    "emotion_f1": (gettext_lazy("Emotion, macro-F1"), gettext_lazy("9 classes")),
    "emotion_accuracy": (gettext_lazy("Emotion right"), gettext_lazy("9 classes")),
    "flip_rate": (
        gettext_lazy("Polarity turned round"),
        gettext_lazy("positive read as negative, or the reverse"),
    ),
    "invalid_rate": (gettext_lazy("Invalid answers"), gettext_lazy("lower is better")),
    "latency_p95": (gettext_lazy("Latency p95, per message"), gettext_lazy("lower is better")),
    "cost": (gettext_lazy("Cost of 1,000 messages"), gettext_lazy("lower is better")),
}
# What the same measures are called where nobody knows who is right.
AGREED: dict[str, Any] = {
    "sentiment_accuracy": gettext_lazy("Same level of sentiment"),
    "sentiment_mae": gettext_lazy("Mean distance of the sentiments"),
    "emotion_f1": gettext_lazy("Same emotion, all classes weighing alike"),
    "emotion_accuracy": gettext_lazy("Same emotion"),
    "flip_rate": gettext_lazy("Opposite polarity"),
}
ERRORS: dict[str, Any] = {
    "budget": gettext_lazy(
        "What is left of the budget does not pay for the next call. Allow more to go on."
    ),
    "empty_sample": gettext_lazy("No message fits the window: nothing could be drawn."),
    "prompt_altered": gettext_lazy("A prompt was altered outside of the application."),
    "no_booster": gettext_lazy("The booster is no longer there."),
    "former_booster": gettext_lazy("The booster was trained beside a former analyser."),
    "guardrail_failures": gettext_lazy("The canary failed too often and was stopped."),
    "guardrail_slowness": gettext_lazy("The canary was too slow and was stopped."),
    "production_changed": gettext_lazy(
        "Who judges in production was changed meanwhile, so there is nothing to compare with."
    ),
    "company_budget": gettext_lazy(
        "The company's budget is used up for this month. Allow more in the settings of analysis."
    ),
    "no_price": gettext_lazy(
        "The company has a limit in money and a model has no price. Set one to go on."
    ),
    "other_currency": gettext_lazy(
        "A model's price is in another currency than the company's limit in money."
    ),
    "guardrail_cost": gettext_lazy("The canary used up its budget and was stopped."),
}


def metric_name(key: str, *, is_quality: bool = True) -> str:
    """Return what a measure is called."""
    if not is_quality and key in AGREED:
        return str(AGREED[key])
    return str(METRICS[key][0]) if key in METRICS else key


def metric_note(key: str) -> str:
    return str(METRICS[key][1]) if key in METRICS else ""


def error_words(code: str) -> str:
    """Return why a run stopped, in words."""
    return str(ERRORS.get(code, code)) if code else ""


def value(amount: float | None, unit: str, currency: str = "BRL") -> str:
    """Return a value with its unit: 76,8%, 0,241, 1,42 s, US$ 2,38."""
    if amount is None:
        return NOTHING
    if unit == "share":
        return f"{number_words(amount * 100, 1)}%"
    if unit == "milliseconds":
        return seconds(amount)
    if unit == "money":
        return money_words(amount, currency)
    return f"{MINUS if round(amount, 3) < 0 else ''}{number_words(abs(amount), 3)}"


def change(amount: float | None, unit: str) -> str:
    """Return a difference with its sign: +5,6 pp, +0,038, +18,5%."""
    if amount is None:
        return NOTHING
    if unit == "share":
        return f"{_signed(amount * 100, 1)} pp"
    if unit == "milliseconds":
        sign = MINUS if amount < 0 else "+"
        return f"{sign}{seconds(abs(amount))}"
    if unit == "money":
        return f"{_signed(amount * 100, 1)}%"
    return _signed(amount, 3)


def between(low: float, high: float, unit: str) -> str:
    """Return an interval: +2,3 to +8,9."""
    low_words, high_words = ends(low, high, unit)
    return _("%(low)s to %(high)s") % {"low": low_words, "high": high_words}


def ends(low: float, high: float, unit: str) -> tuple[str, str]:
    """Return both ends of an interval; shares are in points, which are said once beside them."""
    if unit == "share":
        return _signed(low * 100, 1), _signed(high * 100, 1)
    return change(low, unit), change(high, unit)


def plain_between(low: float, high: float, unit: str) -> str:
    """Return the interval of a value that is no difference."""
    return _("%(low)s to %(high)s") % {"low": value(low, unit), "high": value(high, unit)}


def p_words(p: float | None) -> str:
    """Return a p value as it is usually written."""
    if p is None:
        return NOTHING
    if p < 0.0005:
        return f"p < {number_words(0.001, 3)}"
    return f"p = {number_words(p, 3)}"


def seconds(milliseconds: float) -> str:
    """Return a short time: 12 ms, 1,42 s."""
    if milliseconds < 1000:
        return f"{number_words(milliseconds, 0)} ms"
    return f"{number_words(milliseconds / 1000, 2)} s"


def headline(
    report: Mapping[str, Any], key: str, names: Mapping[str, str], primary: str
) -> tuple[str, str, str]:
    """Return the finding in words: what it is about, its proof, and its tone (ok, warn, "")."""
    lines = {line["key"]: line for line in report["compared"].get(key, {}).get("lines", [])}
    name, base = names.get(key, key), names.get("baseline", "baseline")
    if report["kind"] == "agreement":
        return _agreement(report, lines, key, {"name": name, "base": base}, primary)
    line = lines.get(primary)
    if line is None:
        return _("Nothing can be compared yet."), _("No labelled message is judged."), ""
    facts = {
        "name": name,
        "base": base,
        "after": value(line["candidate"], line["unit"]),
        "before": value(line["baseline"], line["unit"]),
        "metric": metric_name(primary),
    }
    low, high = ends(line["low"], line["high"], line["unit"])
    n = number_words(line["n"], 0)
    proof = _difference(line["unit"]) % {"n": n, "low": low, "high": high}
    return capfirst(_finding(line["reading"], primary) % facts), proof, _tone(line["reading"])


def _difference(unit: str) -> str:
    if unit == "share":
        return _(
            "On %(n)s labelled messages, the difference lies between %(low)s and %(high)s points "
            "(95%% CI)."
        )
    return _(
        "On %(n)s labelled messages, the difference lies between %(low)s and %(high)s (95%% CI)."
    )


def _finding(reading: str, primary: str) -> str:
    if reading == "same":
        return _("%(name)s and %(base)s cannot be told apart: %(after)s against %(before)s.")
    if primary == "sentiment_accuracy":
        if reading == "better":
            return _("%(name)s is right more often: %(after)s against %(before)s.")
        return _("%(name)s is right less often: %(after)s against %(before)s.")
    if reading == "better":
        return _("%(name)s is better at “%(metric)s”: %(after)s against %(before)s.")
    return _("%(name)s is worse at “%(metric)s”: %(after)s against %(before)s.")


def _agreement(
    report: Mapping[str, Any],
    lines: Mapping[str, Any],
    key: str,
    facts: dict[str, str],
    primary: str,
) -> tuple[str, str, str]:
    line = lines.get(primary) or lines.get("sentiment_accuracy")
    if line is None:
        return _("Nothing can be compared yet."), _("No message is judged by both sides."), ""
    facts["share"] = value(line["candidate"], line["unit"])
    facts["n"] = number_words(line["n"], 0)
    said = capfirst(
        _agreed(line["key"]) % {**facts, "metric": metric_name(line["key"], is_quality=False)}
    )
    pairs = report["compared"][key]["pairs"]
    if pairs["labelled"]:
        proof = _(
            "People labelled %(n)s disagreements: %(name)s is right in %(c)s, %(base)s in %(b)s."
        ) % {**facts, "n": pairs["labelled"], "c": pairs["candidate_right"],
             "b": pairs["baseline_right"]}  # fmt: skip
        return said, proof, ""
    return said, _("Agreement is not quality: nobody has said yet who is right."), ""


def _agreed(key: str) -> str:
    if key == "sentiment_accuracy":
        return _(
            "%(name)s agrees with %(base)s on %(share)s of the %(n)s messages that both judged."
        )
    return _("%(metric)s: %(share)s between %(name)s and %(base)s, on %(n)s messages.")


def _tone(reading: str) -> str:
    return {"better": "ok", "worse": "warn"}.get(reading, "")


def _signed(amount: float, decimals: int) -> str:
    rounded = round(amount, decimals)
    sign = "+" if rounded > 0 else MINUS if rounded < 0 else ""
    return f"{sign}{number_words(abs(rounded), decimals)}"
