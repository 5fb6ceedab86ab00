"""Addresses and numbers in the one form in which two of them can be compared."""

import re
import unicodedata

import phonenumbers

from services.intake.channels.wording import clean

# RFC 5321 allows 254 characters; quoted local parts are refused, nobody writes complaints from one.
_ATOM = r"[^\s\x00-\x1f\x7f-\x9f\ufffd<>()\[\],;:\"@\\]"
ADDRESS = re.compile(rf"{_ATOM}{{1,64}}@{_ATOM}{{1,190}}")
_SCHEME = re.compile(r"^(?:tel|sip|sips):", re.IGNORECASE)
_EXTENSION = re.compile(r"(?:转|轉|分机|分機|ext\.?|x|;|@|#|,).*$", re.IGNORECASE | re.DOTALL)


def canonical_email(written: str | None) -> str | None:
    """Return the address lower-cased, or ``None`` when *written* is no address."""
    address = unicodedata.normalize("NFKC", clean(written or "")).strip().removeprefix("mailto:").rstrip(".").lower()
    return address if ADDRESS.fullmatch(address) else None


def canonical_phone(written: str | None, region: str = "CN") -> str | None:
    """
    Return the number in E.164 without its extension, or ``None`` when it is no valid number.

    Args:
        written: as a person or an exchange writes it; ``tel:`` and ``sip:`` URIs and full-width digits too.
        region: whose national numbers are meant where no country code is given (ISO 3166).
    """
    plain = _SCHEME.sub("", unicodedata.normalize("NFKC", written or "").strip())
    try:
        number = phonenumbers.parse(_EXTENSION.sub("", plain), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
