"""What a new user types first."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plaint.demo.story import load_story

PLAINT = Path(sys.executable).with_name("plaint")


@pytest.mark.timeout(300)
def test_the_demo_ends_well_and_says_what_it_did_in_the_readers_language(request):
    command = [PLAINT, "demo", "--lang", "zh", "--broker", request.config.getoption("--broker")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    for scene in load_story():
        assert scene.gist.zh in done.stdout
    assert len(re.findall(r"CMP-2026-\d{6}  +受理", done.stdout)) >= 20
    assert re.search(r"第一件投诉 [\d.]+ 秒时结案", done.stdout)
    assert "plaint trace CMP-2026-" in done.stdout
