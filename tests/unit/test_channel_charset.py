"""Bytes whose label lies are read as what they are."""

import pytest

from services.intake.channels.charset import decode

SIMPLIFIED = "你好，我要投诉：冰箱门关不严，客服态度差，要求退款。"
TRADITIONAL = "您好，我要投訴：冰箱門關不緊，客服態度很差，請儘快退款。"
RARE = "朱镕基的镕、㛃和𠮷野家，投诉订单未送达。"
ENGLISH = "It’s broken – “as new”, they said. Café, £5."


@pytest.mark.parametrize(
    ("text", "really", "declared", "used"),
    [
        (SIMPLIFIED, "gb2312", "gb2312", "gb18030"),
        (SIMPLIFIED, "gb18030", None, "gb18030"),
        (SIMPLIFIED, "gb18030", "us-ascii", "gb18030"),
        (SIMPLIFIED, "gb18030", "iso-8859-1", "gb18030"),
        (SIMPLIFIED, "gb18030", "utf-8", "gb18030"),
        (SIMPLIFIED, "gb18030", "big5", "gb18030"),
        (SIMPLIFIED, "gb18030", "no-such-charset", "gb18030"),
        (SIMPLIFIED, "utf-8", "gb2312", "utf-8"),
        (SIMPLIFIED, "utf-8", "gbk", "utf-8"),
        (SIMPLIFIED, "utf-8", None, "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-16", "utf-16", "utf-16"),
        (SIMPLIFIED, "hz", "hz-gb-2312", "hz-gb-2312"),
        (SIMPLIFIED, "gb18030", "hz-gb-2312", "gb18030"),
        (RARE, "gb18030", "gb2312", "gb18030"),
        (RARE, "gb18030", "gbk", "gb18030"),
        (TRADITIONAL, "big5", "big5", "big5"),
        (TRADITIONAL, "big5", None, "big5"),
        (TRADITIONAL, "big5", "gb2312", "big5"),
        (TRADITIONAL, "big5", "utf-8", "big5"),
        (TRADITIONAL, "gb18030", "gbk", "gb18030"),
        (TRADITIONAL, "utf-8", "big5", "utf-8"),
        ("嗰個師傅冇嚟過", "big5hkscs", "big5", "big5"),
        (ENGLISH, "windows-1252", "iso-8859-1", "windows-1252"),
        (ENGLISH, "utf-8", "windows-1252", "utf-8"),
        (ENGLISH, "windows-1252", None, "windows-1252"),
        ("Заказ не пришёл, верните деньги", "koi8-r", "koi8-r", "koi8-r"),
        ("注文した冷蔵庫が壊れています", "iso-2022-jp", "iso-2022-jp", "iso2022_jp"),
        ("退款", "gb18030", None, "gb18030"),
        ("王", "gb18030", "gb2312", "gb18030"),
    ],
)
def test_text_survives_whatever_the_label_says(text, really, declared, used):
    decoded = decode(text.encode(really), declared)

    assert decoded.text == text
    assert decoded.charset == used


def test_a_label_that_lies_is_warned_of():
    assert decode(RARE.encode("gb18030"), "gb2312").warning == "declared gb2312, decoded gb18030"
    assert decode(SIMPLIFIED.encode("utf-8"), "gbk").warning == "declared gbk, decoded utf-8"
    assert decode(SIMPLIFIED.encode("gb2312"), "gb2312").warning is None
    assert decode(SIMPLIFIED.encode("utf-8"), "UTF-8").warning is None
    assert decode(b"plain", "gb2312").warning is None


def test_a_cut_character_costs_itself_only():
    decoded = decode(SIMPLIFIED.encode("gb18030")[:-1], "gb2312")

    assert decoded.text.startswith(SIMPLIFIED[:-1])
    assert decoded.warning == "some bytes are not gb18030"


def test_the_text_around_helps_to_choose():
    assert decode("客服".encode("big5"), None, "big5").text == "客服"


@pytest.mark.parametrize("label", ["punycode", "idna", "unicode_escape", "zlib", "hex", "rot13", "undefined", "mbcs"])
def test_a_stranger_cannot_choose_a_codec_that_is_no_charset(label):
    assert decode(SIMPLIFIED.encode(), label).text == SIMPLIFIED


@pytest.mark.parametrize("name", ["闻喆", "李喆堃", "王喆"])
def test_a_rare_name_under_a_chinese_label_is_not_taken_for_western_letters(name):
    assert decode(name.encode("gb18030"), "gb2312").text == name
