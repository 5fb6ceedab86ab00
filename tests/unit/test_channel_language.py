"""Simplified and traditional Chinese, Cantonese, English, and what is none of them."""

import pytest

from services.intake.channels.language import detect_language, language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("冰箱坏了，要求退款", "zh-Hans"),
        ("冰箱壞了，要求退款", "zh-Hant"),
        ("嗰個師傅話嚟，等咗三日都冇人", "zh-Hant"),
        ("个师傅冇嚟，系咁先，佢哋唔理", "zh-Hant"),
        ("退款", "zh-Hans"),
        ("我的 iPhone 15 Pro Max order number ABC123 坏了", "zh-Hans"),
        ("My name is 王小明 and my refrigerator has been leaking since Monday", "en"),
        ("The lamp is broken", "en"),
        ("ok", "en"),
        ("", "und"),
        ("12345 ???", "und"),
        ("Где мой заказ", "und"),
    ],
)
def test_language_is_detected(text, language):
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-CN", "zh-Hans"),
        ("zh_Hans_CN", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("yue", "zh-Hant"),
        ("en-GB", "en"),
        ("EN", "en"),
        ("zh", "zh-Hant"),
        ("fr", "zh-Hant"),
        (None, "zh-Hant"),
    ],
)
def test_a_given_tag_decides_where_it_names_one_of_ours(tag, language):
    assert language_of(tag, "冰箱壞了") == language
