"""Which language the reader gets."""

import pytest

from plaint.language import reader_language
from plaint.trouble import Trouble


@pytest.mark.parametrize(
    ("wanted", "environment", "language"),
    [
        (None, {}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "C.UTF-8"}, "en"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        (None, {"LANG": "en_GB", "LC_MESSAGES": "zh_TW"}, "zh"),
        (None, {"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, {"LC_ALL": "", "LANG": "zh"}, "zh"),
        (None, {"PLAINT_LANG": "zh", "LC_ALL": "en_US"}, "zh"),
        ("en", {"PLAINT_LANG": "zh"}, "en"),
        ("zh-Hant", {}, "zh"),
    ],
)
def test_what_was_asked_for_goes_before_the_locale(wanted, environment, language):
    assert reader_language(wanted, environment) == language


def test_a_language_nobody_speaks_here_is_refused():
    with pytest.raises(Trouble) as refused:
        reader_language("fr", {})

    assert refused.value.code == 2
