"""Whatever bytes come in: a contact or a refusal, in no time, and nothing that cannot be stored."""

import json
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.intake.channels.canonical import parse_complaint
from services.intake.channels.charset import decode
from services.intake.channels.chat import parse_chat
from services.intake.channels.email import parse_email
from services.intake.channels.phone import parse_call
from services.intake.channels.replies import own_words
from services.intake.channels.unreadable import Unreadable

relaxed = settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow])

NAMES = (
    *("From", "To", "Subject", "Date", "Message-ID", "References", "Content-Type", "Content-Disposition"),
    *("Return-Path", "Content-Transfer-Encoding", "Auto-Submitted", "Precedence", "X-Unknown"),
)
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"multipart/mixed; boundary=b",
            b"multipart/alternative; boundary=b",
            b"multipart/report; report-type=delivery-status; boundary=b",
            b"message/rfc822",
            b"message/delivery-status",
            b"text/html; charset=gb2312",
            b"text/plain; charset=punycode; format=flowed; delsp=yes",
            b"text/plain; charset*0*=utf-8''%ff; name*1*=x; name*99999999999999999999=y",
            b"attachment; filename*=gbk'zh'%C4%E3",
            b"base64",
            b"quoted-printable",
            b"x-uuencode",
            b"=?utf-8?q?=ff=fe?= =?gb2312?b?xOM?=",
            b'(((((((((( <a@b> ,,, "',
            b"Mon, 99 Nov 99999 99:99:99 +9999",
        ]
    ),
)
HEADER = st.tuples(st.sampled_from(NAMES), VALUES).map(lambda pair: pair[0].encode() + b": " + pair[1] + b"\r\n")
HEADERS = st.lists(HEADER, max_size=8).map(b"".join)
PIECE = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [
            b"\r\n--b\r\n",
            b"\r\n--b--\r\n",
            b"\r\n",
            b"<div>",
            b"<table><tr><td>",
            b"</td></p>",
            b"> ",
            b"begin 644 x\n",
            b"=\n",
        ]
    ),
    HEADERS,
)
MAIL = st.tuples(HEADERS, st.lists(PIECE, max_size=12).map(b"".join)).map(b"\r\n".join)


def texts(contact):
    yield from filter(
        None, (contact.text, contact.subject, contact.external_id, contact.sender.name, contact.sender.email)
    )
    yield from contact.thread_keys + contact.warnings
    yield from contact.numbers
    for file in contact.attachments:
        yield from (file.name, file.content_type)


@relaxed
@given(st.one_of(st.binary(max_size=500), MAIL))
@example(b"From: x\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\r\nx")
@example(b"From: x\r\nContent-Type: a/\x00\xff\r\n\r\nx")
@example(b"From: x\r\nContent-Type: text/html\r\n\r\n<!-- -->")
def test_any_bytes_are_a_mail_or_a_refusal(raw):
    try:
        contact = parse_email(raw)
    except Unreadable:
        return
    for text in texts(contact):
        text.encode()
        assert "\x00" not in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["text", "from", "speaker", "messages", "transcript", "customer", "callId", "conversation_id", "event"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("read", [parse_chat, parse_call, parse_complaint])
@relaxed
@given(raw=st.one_of(st.binary(max_size=200), JSON.map(lambda value: json.dumps(value).encode())))
def test_any_bytes_are_a_body_or_a_refusal(read, raw):
    try:
        read(raw)
    except Unreadable:
        return


@relaxed
@given(
    st.text(max_size=200), st.sampled_from(["gb18030", "utf-8"]), st.sampled_from(["gb18030", "utf-8", None, "ascii"])
)
def test_decoding_never_fails(text, really, declared):
    decode(text.encode(really), declared)


@relaxed
@given(st.text(alphabet="好a >\n-:发件人主题收wrote2026/@<", max_size=300))
def test_stripping_history_only_takes_away(text):
    left = own_words(text)

    assert len(left) <= len(text)
    assert all(line.strip() in text for line in left.split("\n"))


@pytest.mark.parametrize(
    "raw",
    [
        b"From: " + b"(" * 90_000 + b"\r\n\r\nx",
        b"From: " + b"a@" * 45_000 + b"\r\n\r\nx",
        b"From: " + b"<" * 90_000 + b"\r\n\r\nx",
        b"Subject: " + b"=?utf-8?q?" * 9_000 + b"\r\n\r\nx",
        b"References: " + b"<a" * 45_000 + b"\r\n\r\nx",
        b"To: " + b"CMP-2026-" * 10_000 + b"\r\n\r\nx",
        b'Content-Type: multipart/mixed; boundary="' + b";" * 90_000 + b"\r\n\r\nx",
        b"Content-Type: text/plain; name*" + b"9" * 5_000 + b"=x\r\n\r\nx",
        b"Content-Type: text/html\r\n\r\n" + b"<div>" * 200_000,
        b"Content-Type: text/html\r\n\r\n" + b"<table><tr><td>" * 20_000,
        b"Content-Type: text/html\r\n\r\n" + b"<style" * 50_000,
        b"Content-Type: text/html\r\n\r\n" + b"<" * 300_000,
        b"Content-Type: text/html\r\n\r\n" + b"data:" * 60_000,
        b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"a \r\n" * 450_000,
        b"Subject: x\r\n\r\n" + b"On 2026 \n" * 100_000,
        b"Subject: x\r\n\r\n" + b"From: \n" * 100_000,
        b"Subject: x\r\n\r\n" + b"> \n" * 100_000,
        b"Subject: x\r\n\r\n" + b"\xc4\xe3" * 2_000_000,
        b"Subject: x\r\n\r\n" + b"=\xff" * 2_000_000,
        b"Content-Transfer-Encoding: base64\r\nSubject: x\r\n\r\n" + b"!A" * 2_000_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 400_000,
    ],
    ids=lambda raw: raw[:24].decode("latin-1") + f"…{len(raw)}",
)
def test_hostile_mail_does_not_hang_the_parser(raw):
    """Work that grows with the square of the input takes minutes here; the limit is far above a busy machine's pace."""
    start = time.perf_counter()
    try:
        parse_email(raw)
    except Unreadable:
        pass
    finally:
        assert time.perf_counter() - start < 30
