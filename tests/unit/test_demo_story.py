import json
import re
from collections import Counter
from datetime import datetime, timedelta
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from importlib.resources import files
from typing import get_args

import pytest

from plaint.demo.story import Cause, RemedyKind, Scene, load_story

STORY = load_story()
MAILS = [scene for scene in STORY if scene.channel == "email"]
# Python's gb2312 refuses what senders put under that label; GB18030 is its superset.
CODECS = {"gb2312": "gb18030", "big5": "big5", "gb18030": "gb18030"}
CLOSED_LIKE = ("closed", "reopened", "escalated")


def mail(scene: Scene) -> Message:
    return message_from_bytes(scene.body())


def text_of(part: Message) -> str:
    charset = part.get_content_charset("us-ascii")
    return part.get_payload(decode=True).decode(CODECS.get(charset, charset))


def header(message: Message, name: str) -> str:
    parts = decode_header(message[name])
    return "".join(
        raw if isinstance(raw, str) else raw.decode(CODECS.get(charset, charset or "us-ascii"))
        for raw, charset in parts
    )


def leaves(message: Message) -> list[Message]:
    return [part for part in message.walk() if not part.is_multipart()]


def told(scene: Scene) -> str:
    """Everything readable that a contact brings, headers included."""
    if scene.channel != "email":
        return scene.body().decode()
    message = mail(scene)
    heads = [header(message, name) for name in message]
    return "\n".join(heads + [text_of(part) for part in leaves(message)])


def answers(scene: Scene) -> list[str]:
    rounds = [scene.agent, scene.second and scene.second.agent]
    return [text for agent in rounds if agent for text in (agent.finding, agent.remedy, agent.answer)]


def started_at(scene: Scene) -> datetime:
    if scene.channel == "email":
        return parsedate_to_datetime(mail(scene)["Date"])
    return datetime.fromisoformat(json.loads(scene.body())["started_at"])


def by_name(part: str) -> Scene:
    return next(scene for scene in STORY if part in scene.file)


def test_scenes_and_inbox_match_one_to_one():
    inbox = [entry.name for entry in (files("plaint.demo.story") / "inbox").iterdir()]
    assert sorted(inbox) == sorted(scene.file for scene in STORY)


def test_playing_order_is_the_order_of_the_files_and_of_their_times():
    assert [scene.file for scene in STORY] == sorted(scene.file for scene in STORY)
    assert [started_at(scene) for scene in STORY] == sorted(started_at(scene) for scene in STORY)


def test_every_path_is_taken_as_often_as_the_demo_tells():
    assert Counter(scene.path for scene in STORY) == {
        "closed": 22, "reopened": 1, "escalated": 1, "triage": 1,
        "appended": 1, "linked": 1, "recorded": 2, "ignored": 1,
    }  # fmt: skip


def test_channels_and_languages_are_mixed():
    channels = Counter(scene.channel for scene in STORY)
    languages = Counter(scene.language for scene in STORY)
    assert channels["email"] >= 12
    assert min(channels["chat"], channels["phone"]) >= 8
    assert languages["zh-Hant"] >= 6
    assert languages["en"] >= 8
    assert languages["zh-Hans"] * 2 >= len(STORY) - 2


def test_every_cause_is_complained_about_several_times():
    causes = Counter(scene.cause for scene in STORY if scene.cause)
    assert set(causes) == set(get_args(Cause))
    assert min(causes.values()) >= 3


def test_the_first_scene_is_short_and_clear():
    first = STORY[0]
    assert (first.channel, first.language, first.path, first.cause) == (
        "email", "zh-Hans", "closed", "quality",
    )  # fmt: skip
    assert len(text_of(mail(first))) < 200


@pytest.mark.parametrize("scene", STORY, ids=lambda scene: scene.file)
def test_outcome_and_script_fit_the_path(scene):
    opened = scene.path in (*CLOSED_LIKE, "triage")
    assert scene.outcome == ("opened" if opened else scene.path)
    assert (scene.cause is not None) == (scene.path in CLOSED_LIKE)
    assert (scene.agent is not None) == (scene.callback is not None) == (scene.path in CLOSED_LIKE)
    assert (scene.second is not None) == (scene.path == "reopened")
    assert scene.gist.zh
    assert scene.gist.en.isprintable()


@pytest.mark.parametrize("scene", [s for s in STORY if s.callback], ids=lambda scene: scene.file)
def test_the_customer_is_content_in_the_end_except_before_a_reopening(scene):
    last = scene.second.callback if scene.second else scene.callback
    assert last.resolved
    assert 3 <= last.score <= 5
    if scene.second:
        assert scene.callback.score <= 2
        assert not scene.callback.resolved


def test_remedies_are_of_known_kinds_and_promises_have_a_due_time():
    scripts = [scene.agent for scene in STORY if scene.agent] + [by_name("05-").second.agent]
    promises = [script.promise for script in scripts if script.promise]
    assert {script.remedy_kind for script in scripts} <= set(get_args(RemedyKind))
    assert len(promises) >= 5
    assert all(re.fullmatch(r"P(\d+D|T\d+H)", promise.due_in) for promise in promises)


def test_no_agent_calls_a_customer_by_name():
    names = {header(mail(scene), "From").split(" <")[0] for scene in MAILS}
    for scene in STORY:
        if scene.channel != "email":
            names.add(json.loads(scene.body()).get("customer", {}).get("name", ""))
    words = {word for name in names - {""} for word in (name, *name.split())}
    for scene in STORY:
        assert not [word for word in words for text in answers(scene) if word in text]


@pytest.mark.parametrize("scene", MAILS, ids=lambda scene: scene.file)
def test_every_mail_is_sound(scene):
    message = mail(scene)
    raw = scene.body()
    assert not any(part.defects for part in message.walk())
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.split(b"\r\n\r\n")[0].isascii()
    assert re.fullmatch(r"<[\w.-]+@example\.com>", message["Message-ID"])
    assert header(message, "Subject")
    assert header(message, "To").endswith(("care@example.com", "care@example.com>"))
    assert "\ufffd" not in told(scene)


def test_message_ids_are_unique():
    assert len({mail(scene)["Message-ID"] for scene in MAILS}) == len(MAILS)


@pytest.mark.parametrize(
    ("file", "charset", "encoding", "words"),
    [
        ("01-", "utf-8", "8bit", "三回都是夹生饭"),
        ("04-", "gb2312", "8bit", "堃园物业服务中心"),
        ("06-", "gb18030", "base64", "请一并答复"),
        ("07-", "utf-8", "base64", "未经同意扣款"),
        ("09-", "big5", "8bit", "「看得到海就算海景喔。」"),
        ("12-", "us-ascii", "7bit", "tried a jumper"),
        ("15-", "utf-8", "quoted-printable", "<td>Thu 12 Nov</td>"),
        ("25-", "utf-8", "quoted-printable", "拆封恕不退換"),
        ("28-", "utf-8", "quoted-printable", "“should have been informed”. Quite."),
    ],
)
def test_every_character_set_and_encoding_reads_as_written(file, charset, encoding, words):
    message = mail(by_name(file))
    assert message.get_content_charset() == charset
    assert message["Content-Transfer-Encoding"] == encoding
    assert words in text_of(message)


def test_the_mail_labelled_gb2312_needs_gb18030():
    message = mail(by_name("04-"))
    with pytest.raises(UnicodeDecodeError):
        message.get_payload(decode=True).decode("gb2312")
    assert header(message, "From") == "闻喆 <wenzhe@example.org>"


def test_one_mail_is_html_only_with_a_table_and_an_invisible_picture():
    message = mail(by_name("15-"))
    assert message.get_content_type() == "text/html"
    assert "<table>" in text_of(message)
    assert 'width="1" height="1"' in text_of(message)


def test_both_alternatives_say_the_same():
    message = mail(by_name("23-"))
    plain, html = (text_of(part) for part in leaves(message))
    assert message.get_content_type() == "multipart/alternative"
    assert re.sub(r"<[^>]+>|\s", "", html) == re.sub(r"\s", "", plain)


def test_one_mail_brings_a_small_attachment():
    _, attachment = leaves(mail(by_name("29-")))
    assert attachment.get_filename() == "readings.csv"
    assert text_of(attachment).startswith("date,reading_m3\n")


def test_the_reply_names_and_quotes_an_earlier_mail():
    reply = by_name("06-")
    original = next(s for s in MAILS if mail(s)["Message-ID"] == mail(reply)["In-Reply-To"])
    fresh, quoted = text_of(mail(reply)).split("------------------ 原始邮件 ------------------")
    assert reply.path == "appended"
    assert STORY.index(original) < STORY.index(reply)
    assert mail(reply)["References"] == mail(reply)["In-Reply-To"]
    assert text_of(mail(original)).strip() in quoted
    assert "困在里面" in fresh


def test_the_duplicate_comes_from_the_same_address_by_another_channel():
    linked = next(scene for scene in STORY if scene.path == "linked")
    address = json.loads(linked.body())["customer"]["email"]
    original = next(scene for scene in MAILS if address in mail(scene)["From"])
    assert original.path == "closed"
    assert STORY.index(original) < STORY.index(linked)


def test_the_ignored_mail_says_that_a_machine_wrote_it():
    ignored = [scene for scene in MAILS if mail(scene)["Auto-Submitted"]]
    assert [scene.path for scene in ignored] == ["ignored"]
    assert mail(ignored[0])["Auto-Submitted"] == "auto-replied"


@pytest.mark.parametrize("scene", [s for s in STORY if s.channel == "chat"], ids=lambda scene: scene.file)
def test_every_chat_has_speakers_times_and_ids(scene):
    chat = json.loads(scene.body())
    times = [datetime.fromisoformat(message["at"]) for message in chat["messages"]]
    ends = [datetime.fromisoformat(chat[key]) for key in ("started_at", "ended_at")]
    assert [ends[0], *times, ends[1]] == sorted([ends[0], *times, ends[1]])
    assert chat["platform"] in {"web", "wechat", "whatsapp", "app"}
    assert {message["from"] for message in chat["messages"]} <= {"customer", "agent", "bot"}
    assert len({message["id"] for message in chat["messages"]}) == len(times)
    assert all(time.utcoffset() is not None for time in times)
    assert {"id", "name"} <= set(chat["customer"])


@pytest.mark.parametrize("scene", [s for s in STORY if s.channel == "phone"], ids=lambda scene: scene.file)
def test_every_call_is_a_hangup_with_numbers_and_lines(scene):
    call = json.loads(scene.body())
    answered = call["cause"] == "normalClearing"
    length = datetime.fromisoformat(call["ended_at"]) - datetime.fromisoformat(call["started_at"])
    assert (call["event"], call["direction"]) == ("hangup", "in")
    assert ("answered_at" in call) == ("transcript" in call) == answered
    assert timedelta(0) < length < timedelta(minutes=10)
    assert {line["speaker"] for line in call.get("transcript", [])} <= {"customer", "agent"}


def test_one_call_is_missed_and_one_is_raw_speech():
    calls = [json.loads(scene.body()) for scene in STORY if scene.channel == "phone"]
    spoken = ["".join(line["text"] for line in call["transcript"]) for call in calls if "transcript" in call]
    assert [call["cause"] for call in calls].count("noAnswer") == 1
    assert len([text for text in spoken if not re.search(r"[，。？！,.?!]", text)]) == 1


@pytest.mark.parametrize("scene", STORY, ids=lambda scene: scene.file)
def test_addresses_and_numbers_are_from_the_ranges_set_aside_for_examples(scene):
    text = told(scene) + "\n".join(answers(scene))
    hosts = re.findall(r"@([\w.-]+\w)", text) + re.findall(r"https?://([\w.-]+)", text)
    phones = re.findall(r"\+\d{8,}|(?<![\d-])(?:1\d{2}[- ]?\d{4}[- ]?\d{4}|0\d{2,3} ?\d{4} ?\d{4})", text)
    # Invented: 138-0013-80xx; fiction's own: 555-01xx in North America, 020 7946 0xxx in London; our hotlines.
    reserved = r"\+?(86)?138-?0013-?80\d\d|\+120255501\d\d|020 7946 0\d{3}|\+864000000100|\+18005550199"
    assert set(hosts) <= {"example.com", "example.org", "news.example.com"}
    assert [phone for phone in phones if not re.fullmatch(reserved, phone)] == []
    assert not re.search(r"(?<!\d)(\d{17}[\dXx]|\d{16})(?!\d)", text)
