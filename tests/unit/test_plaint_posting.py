"""What a file is recognised as."""

import json
from importlib.resources import files

import pytest

from plaint.demo.story import load_story
from plaint.posting import posting
from plaint.trouble import Trouble


@pytest.mark.parametrize("scene", load_story(), ids=lambda scene: scene.file)
def test_each_contact_of_the_story_goes_where_its_front_end_would_post_it(scene):
    found = posting(scene.body(), scene.file)

    assert found.path == f"/v1/channels/{scene.channel}"
    assert found.content_type == scene.content_type
    assert found.body == scene.body()


def test_a_mail_is_recognised_without_its_name():
    mail = (files("plaint.demo.story") / "inbox" / "01-rice-cooker.eml").read_bytes()

    assert posting(mail).path == "/v1/channels/email"


def test_words_become_a_complaint_from_the_web():
    found = posting("灯送到就是坏的\n".encode(), "note.txt", "13800138000")

    assert found.path == "/v1/complaints"
    assert json.loads(found.body) == {"channel": "web", "text": "灯送到就是坏的", "customer": {"phone": "13800138000"}}


def test_a_letter_that_begins_with_from_is_no_mail():
    found = posting(b"From: the tenant on the third floor\n\nThe lift is broken.")

    assert found.path == "/v1/complaints"


def test_a_complaint_in_json_keeps_its_fields():
    found = posting(
        b'{"channel": "onsite", "text": "broken", "customer": {"name": "Alex"}}', contact="alex@example.com"
    )

    assert json.loads(found.body) == {
        "channel": "onsite",
        "text": "broken",
        "customer": {"name": "Alex", "email": "alex@example.com"},
    }


@pytest.mark.parametrize(
    ("body", "contact", "key"),
    [
        (b" \n", None, "send.empty"),
        (b'{"a": 1}', None, "send.unknown_json"),
        ("灯坏了".encode("gb18030"), None, "send.not_utf8"),
        (b'{"callId": "7", "event": "hangup"}', "13800138000", "send.names_its_own"),
    ],
)
def test_what_cannot_be_posted_is_refused(body, contact, key):
    with pytest.raises(Trouble) as refused:
        posting(body, contact=contact)

    assert refused.value.key == key
