"""Mail as gateways hand it in: headers, bodies, files, machines, and what is refused."""

import base64
import hashlib

import pytest

from services.intake.channels.contact import Attachment
from services.intake.channels.email import parse_email
from services.intake.channels.parts import MailLimits
from services.intake.channels.unreadable import Unreadable


def mail(body="灯坏了", **headers):
    """Return the bytes of a mail; header names are written with underscores, None leaves one out."""
    fields = {"from": "Wang <wang@example.com>", "subject": "灯", "content_type": 'text/plain; charset="utf-8"'}
    lines = (f"{name.replace('_', '-')}: {value}" for name, value in (fields | headers).items() if value is not None)
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


def multipart(kind, *parts):
    """Return a mail whose parts are given as header and body in one string."""
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return mail(body, content_type=f'multipart/{kind}; boundary="b"')


PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
HTML = "Content-Type: text/html; charset=utf-8\r\n\r\n"


def b64(text, charset):
    return base64.b64encode(text.encode(charset)).decode()


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (f"=?gb2312?B?{b64('镕基路冰箱', 'gb18030')}?=", "镕基路冰箱"),
        ("=?utf-8?Q?=E9=80=80=E6=AC=BE_not_paid?=", "退款 not paid"),
        ("=?utf-8?Q?=E9=80=80=E6=AC=BE not paid?=", "退款 not paid"),
        ("=?utf-8?B?6YCA?=\r\n\t=?utf-8?B?5qy+?=", "退款"),
        ("=?utf-8?Q?=E9=80?= =?utf-8?Q?=80=E6=AC=BE?=", "退款"),
        (f"=?utf-8?B?{b64('退款', 'utf-8')}", "退款"),
        (f"=?utf-8*zh?B?{b64('退款', 'utf-8').rstrip('=')}?=", "退款"),
        (f"Re:=?gbk?b?{b64('退款', 'gbk')}?=!", "Re:退款!"),
        (f"=?x-unknown?b?{b64('退款未到账', 'gbk')}?=", "退款未到账"),
        ("退款未到账".encode("gb18030").decode("utf-8", "surrogateescape"), "退款未到账"),
        ("退款未到账", "退款未到账"),
        ("a\r\n  folded\r\n\tsubject", "a folded subject"),
        ("=?utf-8?Q??=", None),
        ("", None),
    ],
)
def test_subject_is_read_however_it_was_written(raw, read):
    assert parse_email(mail(subject=raw)).subject == read


@pytest.mark.parametrize(
    ("raw", "name", "address"),
    [
        ("wang@Example.COM", None, "wang@example.com"),
        ("<wang@example.com>", None, "wang@example.com"),
        ('"王, 小燕" <wang@example.com>', "王, 小燕", "wang@example.com"),
        (f'"=?gb2312?B?{b64("王小燕", "gbk")}?=" <wang@example.com>', "王小燕", "wang@example.com"),
        ("wang@example.com (Xiaoyan Wang)", "Xiaoyan Wang", "wang@example.com"),
        ("wang@example.com <wang@example.com>", None, "wang@example.com"),
        ("王小燕<wang@example.com>, other@example.com", "王小燕", "wang@example.com"),
        ("undisclosed", "undisclosed", None),
        ("王小燕 <王@例子.example>", "王小燕", "王@例子.example"),
        ("\x00@\udc80", "@€", None),
    ],
)
def test_sender_is_read_however_it_was_written(raw, name, address):
    sender = parse_email(mail(**{"from": raw})).sender

    assert (sender.name, sender.email) == (name, address)


def test_thread_keys_are_nearest_first():
    contact = parse_email(mail(in_reply_to="<c@x>", references="<a@x> <b@x>\r\n <c@x>", message_id="d@x"))

    assert contact.thread_keys == ("<c@x>", "<b@x>", "<a@x>")
    assert contact.external_id == "<d@x>"


def test_a_mail_without_message_id_is_known_by_its_bytes():
    raw = mail()

    assert parse_email(raw).external_id == "sha256:" + hashlib.sha256(raw).hexdigest()


def test_numbers_come_from_recipient_and_subject():
    contact = parse_email(
        mail(to="Support <support+cmp-2026-000123@shop.example>", cc="a@b.example", subject="Re: [CMP-2026-000045] x")
    )

    assert contact.numbers == ("CMP-2026-000123", "CMP-2026-000045")
    assert parse_email(mail(subject="XCMP-2026-000123 CMP-2026-12")).numbers == ()


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("Mon, 2 Nov 2026 09:15:00 +0800", "2026-11-02T01:15:00+00:00"),
        ("Mon, 2 Nov 2026 09:15:00 -0000", "2026-11-02T09:15:00+00:00"),
        ("2 Nov 2026 09:15 GMT", "2026-11-02T09:15:00+00:00"),
    ],
)
def test_date_is_in_utc(written, utc):
    sent_at = parse_email(mail(date=written)).sent_at

    assert sent_at is not None
    assert sent_at.isoformat() == utc


@pytest.mark.parametrize("written", ["yesterday", "Mon, 31 Feb 2026 25:00:00 +0800", "31 Dec 9999 23:00:00 -1200", ""])
def test_a_date_that_is_none_is_left_out(written):
    assert parse_email(mail(date=written)).sent_at is None


def test_charset_is_told_with_what_was_put_right():
    raw = mail(
        "你好，𠮷野家".encode("gb18030").decode("utf-8", "surrogateescape"), content_type="text/plain; charset=GB2312"
    )
    contact = parse_email(raw)

    assert contact.text == "你好，𠮷野家"
    assert contact.charset == "gb18030"
    assert contact.warnings == ("declared GB2312, decoded gb18030",)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("base64", b64("灯坏了", "utf-8")),
        ("BASE64 ", b64("灯坏了", "utf-8")),
        ("quoted-printable", "=E7=81=AF=\r\n=E5=9D=8F=E4=BA=86"),
        ("8bit", "灯坏了"),
        ("nonsense", "灯坏了"),
    ],
)
def test_transfer_encodings(encoding, body):
    assert parse_email(mail(body, content_transfer_encoding=encoding)).text == "灯坏了"


def test_flowed_lines_are_paragraphs_again():
    flowed = 'text/plain; charset="utf-8"; format=flowed'
    body = "The lamp arrived \r\nbroken.\r\n From now on\r\n> quoted \r\n> text\r\nI want \r\nmy money.\r\n-- \r\nAlex"

    assert (
        parse_email(mail(body, content_type=flowed)).text == "The lamp arrived broken.\nFrom now on\nI want my money."
    )
    assert parse_email(mail("灯坏 \r\n了", content_type=flowed + "; delsp=yes")).text == "灯坏了"


def test_html_alone_is_read_without_scripts_styles_and_images():
    page = (
        "<html><head><title>no</title><style>p {color: red}</style></head><body><script>alert(1)</script>"
        "<p>冰箱<b>漏水</b>&nbsp;了</p><img src='https://tracker.example/x.gif' alt='no'>"
        "<img src='data:image/png;base64,AAAA'><table><tr><td>订单</td><td>123</td></tr></table></body></html>"
    )
    text = parse_email(mail(page, content_type="text/html; charset=utf-8")).text

    assert text == "冰箱漏水 了\n\n订单  123"


def test_html_that_the_layout_gives_up_on_keeps_its_words():
    assert parse_email(mail("<div>" * 5000 + "坏了", content_type="text/html")).text == "坏了"


def test_plain_text_that_is_html_is_read_as_html():
    assert parse_email(mail("<html><body><p>坏了</p></body></html>")).text == "坏了"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((PLAIN + "坏了，要退款", HTML + "<p>坏了，要<b>退款</b></p>"), "坏了，要退款"),
        ((PLAIN + "", HTML + "<p>坏了</p>"), "坏了"),
        ((PLAIN + "请用支持HTML的客户端查看", HTML + f"<p>{'灯坏了没人管。' * 20}</p>"), "灯坏了没人管。" * 20),
        ((HTML + "<p>坏了</p>",), "坏了"),
    ],
)
def test_of_alternatives_the_one_that_says_something_is_read(parts, text):
    assert parse_email(multipart("alternative", *parts)).text == text


def test_text_around_a_file_is_read_in_order():
    contact = parse_email(
        multipart(
            "mixed",
            PLAIN + "看照片",
            "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC",
            PLAIN + "很明显",
        )
    )

    assert contact.text == "看照片\n很明显"
    assert contact.attachments == (Attachment("part-1", "image/jpeg", 3, hashlib.sha256(b"\0\1\2").hexdigest()),)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('Content-Disposition: attachment; filename="a b.jpg"', "a b.jpg"),
        ("Content-Disposition: attachment; filename*=utf-8''%E7%85%A7%E7%89%87.jpg", "照片.jpg"),
        ("Content-Disposition: attachment; filename*0*=utf-8''%E7%85%A7; filename*1*=%E7%89%87.jpg", "照片.jpg"),
        (f'Content-Disposition: attachment; filename="=?gbk?B?{b64("照片.jpg", "gbk")}?="', "照片.jpg"),
        (
            'Content-Disposition: attachment; filename="'
            + "照片.jpg".encode("gbk").decode("utf-8", "surrogateescape")
            + '"',
            "照片.jpg",
        ),
        ('Content-Type: image/jpeg; name="../../etc/passwd"', "passwd"),
        ('Content-Disposition: attachment; filename="C:\\\\Users\\\\w\\\\a.jpg"', "a.jpg"),
        ("Content-Disposition: attachment", "part-1"),
    ],
)
def test_a_files_name_is_read_however_it_was_written(header, name):
    assert parse_email(multipart("mixed", PLAIN + "x", header + "\r\n\r\nabc")).attachments[0].name == name


def test_text_files_attached_messages_and_tnef_are_files():
    contact = parse_email(
        multipart(
            "mixed",
            PLAIN + "见附件",
            "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=log.txt\r\n\r\nlog lines",
            "Content-Type: message/rfc822\r\n\r\nSubject: other\r\nContent-Type: text/plain\r\n\r\ninner words",
            "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx",
        )
    )

    assert contact.text == "见附件"
    assert [file.content_type for file in contact.attachments] == [
        "text/plain",
        "message/rfc822",
        "application/ms-tnef",
    ]
    assert contact.attachments[1].size == len("Subject: other\r\nContent-Type: text/plain\r\n\r\ninner words")


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "auto-generated; x=y"},
        {"x_auto_response_suppress": "All"},
        {"precedence": "bulk"},
        {"precedence": "auto_reply"},
        {"precedence": "junk"},
        {"return_path": "<>"},
        {"x_autoreply": "yes"},
        {"subject": "自动回复：您的投诉"},
        {"subject": "自動回覆: 您的投訴"},
        {"subject": "Automatic reply: Your complaint"},
        {"subject": "Out of Office: Your complaint"},
        {"content_type": "multipart/report; report-type=disposition-notification; boundary=b"},
    ],
)
def test_automatic_replies_are_told_from_people(headers):
    assert parse_email(mail(**headers)).kind == "auto_reply"


@pytest.mark.parametrize(
    "headers",
    [
        {"from": "MAILER-DAEMON@mx.example", "auto_submitted": "auto-replied"},
        {"from": "postmaster@mx.example", "subject": "系统退信"},
        {"content_type": "multipart/report; report-type=delivery-status; boundary=b"},
        {"x_failed_recipients": "wang@example.com"},
    ],
)
def test_bounces_are_told_from_people(headers):
    assert parse_email(mail(**headers)).kind == "bounce"


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "no"},
        {"x_auto_response_suppress": "None"},
        {"precedence": "list"},
        {"precedence": "bulk", "list_id": "<users.example>"},
        {"return_path": "<wang@example.com>"},
        {"subject": "Re: 自动回复：已收到您的投诉"},
        {"subject": "投诉：自动回复太多"},
        {"from": "postmaster@customer.example", "subject": "broken lamp"},
    ],
)
def test_people_are_not_taken_for_machines(headers):
    assert parse_email(mail(**headers)).kind == "message"


def test_a_mail_that_says_nothing_is_empty():
    assert parse_email(mail("", subject="")).kind == "empty"
    assert parse_email(mail(" \r\n", subject="Re: 您的投诉")).kind == "empty"


def test_a_subject_or_a_photo_says_something():
    assert parse_email(mail("", subject="冰箱漏水要退款")).kind == "message"
    assert parse_email(multipart("mixed", "Content-Type: image/png\r\n\r\nx")).kind == "message"


def test_text_beyond_the_limit_is_cut_and_said_so():
    contact = parse_email(mail("坏" * 50), MailLimits(max_text_chars=10))

    assert contact.text == "坏" * 10
    assert contact.warnings == ("text cut at 10 characters",)


def test_characters_no_database_takes_are_left_out():
    assert parse_email(mail("灯\x00坏\x1b了\ufeff")).text == "灯坏了"


def nested(depth):
    raw = PLAIN + "deep"
    for level in range(depth):
        raw = f'Content-Type: multipart/mixed; boundary="b{level}"\r\n\r\n--b{level}\r\n{raw}\r\n--b{level}--\r\n'
    return ("From: a@b.example\r\n" + raw).encode()


@pytest.mark.parametrize(
    ("raw", "limits", "reason"),
    [
        (b"", MailLimits(), "empty"),
        (b"\r\n\r\n ", MailLimits(), "empty"),
        (b"no headers at all", MailLimits(), "no headers"),
        (mail("x" * 100), MailLimits(max_bytes=99), "too large"),
        (mail("\n" * 500), MailLimits(max_lines=100), "too large"),
        (multipart("mixed", *[PLAIN + "x"] * 201), MailLimits(), "too many parts"),
        (nested(11), MailLimits(), "nested too deep"),
        (nested(900), MailLimits(max_parts=10_000), "nested too deep"),
        (mail(x_long="y" * 100_001), MailLimits(), "headers are too long"),
        (multipart("mixed", f"X-Long: {'y' * 100_001}\r\n\r\nx"), MailLimits(), "headers are too long"),
    ],
)
def test_what_cannot_be_read_is_refused_in_both_languages(raw, limits, reason):
    with pytest.raises(Unreadable) as refusal:
        parse_email(raw, limits)

    assert reason in refusal.value.reason["en"]
    assert refusal.value.reason["zh"]
    assert refusal.value.pointer == ""


def test_the_limits_themselves_are_allowed():
    assert parse_email(nested(9)).text == "deep"
    assert parse_email(multipart("mixed", *[PLAIN + "x"] * 199)).kind == "message"


def test_leading_blank_lines_and_bare_line_ends_do_no_harm():
    raw = mail().replace(b"\r\n", b"\n")

    assert parse_email(b"\n\n" + raw).text == "灯坏了"
    assert parse_email(raw.replace(b"\n", b"\r")).text == "灯坏了"


def test_a_multipart_without_its_boundary_is_still_read():
    assert parse_email(mail("灯坏了", content_type="multipart/mixed")).text == "灯坏了"
