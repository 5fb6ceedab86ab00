"""The settings of all four services: safe as they come, silent about secrets, strict about the clock."""

import os
import re
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.settings import KafkaSettings

SERVICES = ("intake", "routing", "resolution", "followup")
CANARY = "canary-5Kq"
URL = f"postgresql://plaint:{CANARY}@db.internal/plaint"
SECRET = re.compile("password|secret|token|database_url")
ANCHOR = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("PLAINT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=SERVICES)
def settings_class(request):
    return getattr(import_module(f"services.{request.param}.settings"), f"{request.param.title()}Settings")


@pytest.mark.parametrize("clock", [{"speed": 2.0}, {"speed": 0.5}, {"origin": ANCHOR}, {"anchor": ANCHOR}])
def test_only_a_demo_has_another_clock(settings_class, clock):
    with pytest.raises(ValidationError, match="PLAINT_CLOCK"):
        settings_class(database_url=URL, clock=clock)
    assert settings_class(database_url=URL, clock=clock, demo=True).clock.ordinary is False


def test_a_variable_cannot_change_the_clock_either(settings_class, monkeypatch):
    monkeypatch.setenv("PLAINT_CLOCK__SPEED", "60")
    with pytest.raises(ValidationError, match="PLAINT_CLOCK"):
        settings_class(database_url=URL)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_time_always_goes_forward(settings_class, speed):
    with pytest.raises(ValidationError):
        settings_class(database_url=URL, demo=True, clock={"speed": speed})


def test_as_it_comes_a_service_is_heard_on_this_machine_only_and_lets_nobody_in(settings_class):
    settings = settings_class(database_url=URL)
    assert settings.host == "127.0.0.1"
    assert settings.keys_file is None
    assert not settings.demo
    assert settings.clock.ordinary
    assert settings.kafka.bootstrap_servers.startswith("127.0.0.1:")


def test_no_two_services_want_the_same_port():
    classes = [getattr(import_module(f"services.{name}.settings"), f"{name.title()}Settings") for name in SERVICES]
    assert len({each(database_url=URL).port for each in classes}) == len(SERVICES)


def test_a_service_without_a_database_does_not_start(settings_class):
    with pytest.raises(ValidationError, match="database_url"):
        settings_class()


def test_secrets_do_not_show(settings_class):
    secrets = {name: CANARY for name in settings_class.model_fields if name.endswith("password")}
    settings = settings_class(database_url=URL, kafka={"sasl_password": CANARY}, **secrets)
    for shown in (repr(settings), str(settings), repr(settings.kafka), settings.model_dump_json()):
        assert CANARY not in shown


def test_every_setting_named_like_a_secret_is_one(settings_class):
    fields = settings_class.model_fields | KafkaSettings.model_fields
    kinds = {name: str(each.annotation) for name, each in fields.items()}
    assert [name for name, kind in kinds.items() if SECRET.search(name) and "SecretStr" not in kind] == []


def test_a_refused_setting_is_told_without_the_database_password(settings_class):
    with pytest.raises(ValidationError) as refused:
        settings_class(database_url="c5Kq", clock={"speed": 2})
    assert "c5Kq" not in str(refused.value)


def test_settings_do_not_change_while_the_service_runs(settings_class):
    with pytest.raises(ValidationError, match="frozen"):
        settings_class(database_url=URL).host = "0.0.0.0"  # noqa: S104 - refused


def test_levels_of_variables_are_joined_by_two_underscores(settings_class, monkeypatch):
    for name, value in (("DATABASE_URL", URL), ("KAFKA__PREFIX", "eu."), ("KEYS_FILE", "/keys"), ("PORT", "9000")):
        monkeypatch.setenv(f"PLAINT_{name}", value)
    settings = settings_class()
    assert (settings.kafka.broker().prefix, settings.keys_file, settings.port) == ("eu.", Path("/keys"), 9000)
