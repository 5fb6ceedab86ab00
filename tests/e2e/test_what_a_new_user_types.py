"""What a new user types first."""

import re

import pytest

from plaint.demo.story import load_story


@pytest.mark.timeout(300)
def test_the_demo_ends_well_and_says_what_it_did_in_the_readers_language(demo_command):
    said, _ = demo_command.communicate(timeout=280)
    assert demo_command.returncode == 0, said
    for scene in load_story():
        assert scene.gist.zh in said
    assert len(re.findall(r"CMP-2026-\d{6}  +受理", said)) >= 20
    assert re.search(r"第一件投诉 [\d.]+ 秒时结案", said)
    assert "plaint trace CMP-2026-" in said
