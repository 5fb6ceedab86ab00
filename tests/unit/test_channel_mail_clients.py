"""Replies as the usual mail clients write them: only what the customer wrote this time is left."""

from pathlib import Path

import pytest

from services.intake.channels.email import parse_email

MAILS = Path(__file__).parent / "mail"

OWN_WORDS = {
    "apple_ios_en": "The lamp is still broken.",
    "apple_ios_zh": "窗帘装歪了。",
    "apple_mac_zh": "窗帘装歪了。",
    "foxmail": "空调不制冷，已经第三次报修了。\nzhou@foxmail.example",
    "gmail_en": "The lamp is still broken.",
    "gmail_tw": "淨水器漏水，地板都泡壞了。",
    "gmail_zh": "净水器漏水，地板泡坏了。",
    "inline_answers": "Answers below.\n\nYes, the glass.\nNo, my money back.",
    "netease163": "退款到现在没有到账。",
    "netease_master": "退款到现在没有到账。",
    "outlook_en": "The lamp is still broken.\nThanks, but a voucher does not help me.",
    "outlook_express": "The lamp is still broken.",
    "outlook_tw": "冰箱還是會漏水，請派人來看。",
    "outlook_zh": "合同写的是含安装，现在又要收200元。\n\n谢谢，请按合同办。",
    "qq": "师傅今天还是没有来，请尽快安排。\n\n王小燕",
    "qq_en": "Nobody came today either.",
}


def read(name):
    return parse_email((MAILS / f"{name}.eml").read_bytes())


@pytest.mark.parametrize("name", sorted(OWN_WORDS))
def test_history_and_signature_are_left_out(name):
    contact = read(name)

    assert contact.text == OWN_WORDS[name]
    assert contact.kind == "message"
    assert contact.thread_keys == ("<ack-1@shop.example>",)


def test_every_fixture_is_in_the_table():
    assert {mail.stem for mail in MAILS.glob("*.eml")} == {*OWN_WORDS, "forward"}


def test_a_forwarded_mail_is_taken_whole():
    assert "我不接受" in read("forward").text
    assert "本店概不退款" in read("forward").text


def test_headers_of_a_reply_are_read():
    contact = read("qq")

    assert contact.external_id == "<qq@mail.example>"
    assert contact.numbers == ("CMP-2026-000123",)
    assert contact.sent_at is not None
    assert contact.sent_at.isoformat() == "2026-11-02T01:15:00+00:00"
    assert (contact.sender.name, contact.sender.email) == ("王小燕", "wang@qq.example")
    assert contact.language == "zh-Hans"
    assert read("gmail_tw").language == "zh-Hant"
    assert read("outlook_en").sender.name == "Smith, Alex"
