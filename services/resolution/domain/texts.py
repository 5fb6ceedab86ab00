"""What staff write: kept without personal data, and sent only if the customer will read it as it was meant."""

from collections.abc import Collection

from services.resolution.domain.refusals import PersonalDataInText
from shared.privacy import Masked, mask
from shared.refusal import Violation


def masked(text: str) -> str:
    """Take personal data out of a text for the file; tokens that staff copied from the complaint stay."""
    return mask(Masked(text, {})).text


def sendable(text: str, own_contacts: Collection[str]) -> str:
    """
    Make sure that a text can go to the customer as it stands.

    Intake fills in the tokens of the complaint. A value masked here would get a token that intake fills with another
    value or with none, so that the customer would read a wrong number: such a text goes back to its writer. The
    organisation's own contacts are nobody's personal data.

    Raises:
        PersonalDataInText: it holds a phone number, an address … that is not the organisation's own.
    """
    found = [value for value in mask(Masked(text, {})).tokens.values() if value not in own_contacts]
    if found:
        en = f"{len(found)} value(s) look like personal data and are not among the organisation's own contacts."
        raise PersonalDataInText(
            [Violation("#/text", f"有 {len(found)} 处疑似个人信息，且不属于本组织的联系方式。", en)]
        )
    return text
