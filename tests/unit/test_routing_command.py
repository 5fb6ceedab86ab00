import json

import pytest
from typer.testing import CliRunner

from services.routing.__main__ import main

TEXT = "说好周二送到，结果没送，电话也没人接"


@pytest.mark.parametrize(("argument", "typed"), [(TEXT, None), ("-", TEXT)])
def test_a_text_is_classified_without_a_service_or_settings(argument, typed):
    done = CliRunner().invoke(main, ["classify", argument], input=typed)
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["cause"] == "broken_promise"
    assert 0 < found["confidence"] <= 1
    assert all(TEXT[each["start"] : each["end"]] == each["text"] for each in found["grounds"])
