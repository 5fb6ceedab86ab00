"""Where the customer's own words end and the history begins."""

import time

import pytest

from services.intake.channels.replies import own_words


@pytest.mark.parametrize(
    "text",
    [
        "你们的客服写道：\n本店概不退款",
        "The driver wrote:\nleft at door",
        "From: Shanghai\nTo: Beijing\nIt took three weeks.",
        "发件人：我不认识\n收到一个空包裹。",
        "要点：\n- 门关不严\n- 漏水",
        "等了\n>5天还没人来",
        "On the phone the agent was rude.\nOn Monday too.",
        "订单 123\n-----\n金额 88",
        "没人管\n从上周起一直没人回复邮件",
        "坏了\n发自内心的失望",
        "It is broken.\nSent from China, took a month.",
    ],
)
def test_the_customers_own_lines_stay(text):
    assert own_words(text) == text


@pytest.mark.parametrize(
    ("mark", "below"),
    [
        ('在 2026-11-01 10:20:05，"客服中心" <s@shop.example> 写道：', "已收到"),
        ("------------------ 原始邮件 ------------------", "已收到"),
        ("-----邮件原件-----", "已收到"),
        ("---- Replied Message ----", "received"),
        ("-------- Original message --------", "received"),
        ("-----原始郵件-----", "已收到"),
        ('On 2026/11/01, 10:20, "Support" <s@shop.example> wrote:', "received"),
        ("*From:* Support\n*Sent:* Sunday\n*To:* Alex\n*Subject:* Your complaint", "received"),
        ("> 引用的一行", "> 引用的又一行"),
    ],
)
def test_what_is_below_a_mark_is_history(mark, below):
    assert own_words(f"没有解决 still broken\n\n{mark}\n{below}") == "没有解决 still broken"


@pytest.mark.parametrize(
    "line",
    [
        "发自我的iPhone",
        "從我的iPhone傳送",
        "Get Outlook for iOS",
        "来自网易邮箱大师",
        "Sent from my Galaxy S24",
        "从 Windows 版邮件发送",
        "发自我的华为手机",
        "-----",
    ],
)
def test_a_client_advertising_itself_is_no_part_of_the_text(line):
    assert own_words(f"没有解决\n\n{line}\n") == "没有解决"


def test_an_answer_below_the_history_is_found():
    text = "On Sun, 1 Nov 2026 Support <s@shop.example> wrote:\n> Is it broken?\n\nYes, it is."

    assert own_words(text) == "Yes, it is."


def test_nothing_but_history_leaves_nothing():
    assert own_words("-----Original Message-----\nFrom: x\nhello") == ""


@pytest.mark.parametrize(
    "line", ["On " + "a " * 50_000, "<" * 100_000, "Sent from " * 9_000, "- " * 50_000, "> " * 50_000]
)
def test_a_long_line_costs_no_time(line):
    start = time.perf_counter()
    own_words("\n".join([line] * 3))

    assert time.perf_counter() - start < 1
