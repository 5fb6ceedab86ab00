"""Which of our two languages the caller reads."""

from shared.refusal import Language

_DEFAULT: Language = "en"


def preferred_language(accept_language: str | None) -> Language:
    """
    Choose zh or en by the ``Accept-Language`` header (RFC 9110 section 12.5.4).

    Regions and scripts are not told apart. The first named wins a tie; who names neither gets English.
    """
    best, best_weight = _DEFAULT, 0.0
    for choice in (accept_language or "").lower().split(","):
        tag, _, parameters = choice.partition(";")
        primary = tag.strip().split("-")[0]
        weight = _weight(parameters)
        if primary in ("zh", "en") and weight > best_weight:
            best, best_weight = ("zh" if primary == "zh" else "en"), weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
