"""What docker-compose.yml, the image and example.env say is what the services understand."""

import json
import re
import shlex
import subprocess
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest
import yaml
from jsonschema import Draft7Validator, ValidationError
from pydantic import BaseModel

from plaint.cli import command_in
from plaint.demo.play import FIRST_DAY, POLICY, SPEED
from plaint.local.installation import database_programs
from plaint.local.postgres import LocalPostgres
from plaint.local.scratch import scratch_folder
from plaint.words import Words
from shared.api.keys import Keys

ROOT = Path(__file__).parents[2]
SERVICES = ("intake", "routing", "resolution", "followup")
PROGRAMS = [f"{prefix}{name}" for name in SERVICES for prefix in ("", "migrate-")]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SCHEMA = json.loads((ROOT / "tests/contract/compose/compose-spec.json").read_text())
EXAMPLE = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (ROOT / "deploy/example.env").read_text(), re.MULTILINE))
DEMO = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / "deploy/demo/demo.env").read_text(), re.MULTILINE))
VARIABLE = re.compile(r"\$\{(\w+):\?[^}]+\}")
OPTIONAL = re.compile(r"\$\{(\w+):-([^}]*)\}")
PASSWORDS = {f"{owner}_PASSWORD" for owner in ("POSTGRES", *(f"{name.upper()}_DATABASE" for name in SERVICES))}
ALL_PASSWORDS = PASSWORDS | {"GRAFANA_PASSWORD"}
ONLY_A_DEMO_S = {"PLAINT_DEMO", "PLAINT_CLOCK__ORIGIN", "PLAINT_CLOCK__ANCHOR", "PLAINT_CLOCK__SPEED"}
STAGES = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ").split("\nFROM ")


def settings_class(program):
    name = program.removeprefix("migrate-")
    return getattr(import_module(f"services.{name}.settings"), f"{name.title()}Settings")


def environment_of(program, example=()):
    """Return what the container gets: the file's own values, and of those left open what .env has."""
    known = dict.fromkeys(PASSWORDS, "letters1") | dict(example)
    given = COMPOSE["services"][program]["environment"]
    values = {name: known.get(name) if value is None else str(value) for name, value in given.items()}
    return {
        name: VARIABLE.sub(lambda found: known[found[1]], value) for name, value in values.items() if value is not None
    }


def settings_of(program, monkeypatch, example=()):
    """Build the settings of a program from what its container gets, and from nothing else."""
    for name, value in environment_of(program, example).items():
        monkeypatch.setenv(name, value)
    return settings_class(program)()


def is_setting(model, path):
    head, _, rest = path.partition("__")
    field = model.model_fields.get(head)
    if field is None or not rest:
        return field is not None
    return issubclass(field.annotation, BaseModel) and is_setting(field.annotation, rest)


def instructions(stage, word):
    return re.findall(rf"^{word} +(.+)$", stage, re.MULTILINE)


def healthcheck_of_image():
    return yaml.safe_load(re.search(r"^HEALTHCHECK .*?CMD (\[.+\])$", STAGES[-1], re.MULTILINE)[1])


@pytest.fixture(autouse=True)
def no_settings_of_ours(monkeypatch):
    for name in EXAMPLE:
        monkeypatch.delenv(name, raising=False)


def test_everything_is_there():
    assert set(COMPOSE["services"]) == {"kafka", "postgres", *PROGRAMS, "demo", "prometheus", "grafana"}
    assert "version" not in COMPOSE


def test_the_file_is_valid_by_the_compose_specification():
    Draft7Validator(SCHEMA).validate(COMPOSE)


def test_the_specification_is_looked_at():
    with pytest.raises(ValidationError):
        Draft7Validator(SCHEMA).validate({"services": {"kafka": {"images": "a"}}})


def test_what_only_some_want_is_behind_a_profile():
    profiles = {name: service["profiles"] for name, service in COMPOSE["services"].items() if "profiles" in service}
    assert profiles == {"demo": ["demo"], "prometheus": ["obs"], "grafana": ["obs"]}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_variable_is_a_setting_of_its_service(program):
    names = COMPOSE["services"][program]["environment"]
    assert all(name.startswith("PLAINT_") for name in names)
    paths = [name.removeprefix("PLAINT_").lower() for name in names]
    assert [path for path in paths if not is_setting(settings_class(program), path)] == []


def test_the_example_lists_what_the_file_reads_and_nothing_else():
    required = set(VARIABLE.findall((ROOT / "docker-compose.yml").read_text()))
    passed_on = {
        name for each in PROGRAMS for name, value in COMPOSE["services"][each]["environment"].items() if value is None
    }
    optional = {name for name, _ in OPTIONAL.findall((ROOT / "docker-compose.yml").read_text())}
    assert required == ALL_PASSWORDS
    assert set(EXAMPLE) == required | (passed_on | optional) - ONLY_A_DEMO_S - {"PLAINT_DEMO_KEY"}


def test_the_demo_s_settings_are_those_that_its_story_wants(monkeypatch):
    anchor = {"PLAINT_CLOCK__ANCHOR": "2026-11-25T03:00:00Z"}
    assert ALL_PASSWORDS | ONLY_A_DEMO_S - set(anchor) | POLICY.keys() <= set(DEMO)
    assert {name: DEMO[name] for name in POLICY} == POLICY
    for name in SERVICES:
        settings = settings_of(name, monkeypatch, DEMO | anchor)
        assert (settings.demo, settings.clock.origin, settings.clock.speed) == (True, FIRST_DAY, SPEED)
    given = {name for each in SERVICES for name in COMPOSE["services"][each]["environment"]}
    assert POLICY.keys() <= given


def test_the_demo_has_containers_of_its_own_and_a_key_that_its_services_know():
    assert DEMO["COMPOSE_PROJECT_NAME"] != COMPOSE["name"]
    keys = Keys(ROOT / DEMO["PLAINT_KEYS_FOLDER"] / "keys.json")
    assert keys.find(DEMO["PLAINT_DEMO_KEY"]) is not None
    assert not (ROOT / "deploy/example.env").read_text().count("PLAINT_DEMO")


def test_the_demo_s_command_and_addresses_are_those_of_the_others():
    service = COMPOSE["services"]["demo"]
    plaint, demo, option = service["command"]
    parameters = command_in(Words("en")).commands[demo].params
    assert plaint == "plaint"
    assert option in {name for parameter in parameters for name in parameter.opts}
    for name in SERVICES:
        port = settings_class(name).model_fields["port"].default
        assert service["environment"][f"PLAINT_{name.upper()}_URL"] == f"http://{name}:{port}"
    assert set(service["depends_on"]) == set(SERVICES)


def test_grafana_lets_people_look_and_nobody_change_without_the_password():
    given = COMPOSE["services"]["grafana"]["environment"]
    assert given["GF_SECURITY_ADMIN_PASSWORD"] == "${GRAFANA_PASSWORD:?set it}"
    assert given["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_the_guide_names_settings_that_exist():
    paths = re.findall(r"`PLAINT_([A-Z_]+)`", (ROOT / "docs/deployment.md").read_text())
    classes = [settings_class(name) for name in SERVICES]
    assert len(paths) > 10
    assert [path for path in paths if not any(is_setting(each, path.lower()) for each in classes)] == []


def test_no_password_is_written_anywhere():
    assert [name for name, value in EXAMPLE.items() if "PASSWORD" in name and value] == []
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert value is None or VARIABLE.fullmatch(value)
            assert not re.search(r"://\w+:(?!\$\{)[^@,]*@", str(value)), name


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_settings_can_be_built_from_the_containers_environment(program, monkeypatch):
    settings = settings_of(program, monkeypatch)
    name = program.removeprefix("migrate-")
    assert settings.database_url.get_secret_value() == f"postgresql://{name}:letters1@postgres:5432/{name}"
    assert (settings.host, settings.kafka.bootstrap_servers) == ("0.0.0.0", "kafka:19092")  # noqa: S104 - a container
    assert settings.port == settings_class(program).model_fields["port"].default


def test_the_example_values_are_understood(monkeypatch):
    settings = settings_of("intake", monkeypatch, {name: value for name, value in EXAMPLE.items() if value})
    assert (settings.smtp_host, settings.smtp_port, settings.smtp_tls) == ("smtp.example.com", 587, "auto")
    assert settings_of("resolution", monkeypatch, EXAMPLE).calendar_country == "CN"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_command_is_one_of_the_service(program):
    python, option, module, command = COMPOSE["services"][program]["command"]
    assert (python, option, module) == ("python", "-m", f"services.{program.removeprefix('migrate-')}")
    assert command == ("migrate" if program.startswith("migrate-") else "serve")
    main = import_module(f"{module}.__main__").main
    assert command in {each.name or each.callback.__name__ for each in main.registered_commands}


@pytest.mark.parametrize("program", [*PROGRAMS, "demo"])
def test_a_program_may_do_little(program):
    service = COMPOSE["services"][program]
    assert (service["user"], service["read_only"], service["cap_drop"]) == ("10001:10001", True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_its_database_and_the_broker(name):
    conditions = {on: given["condition"] for on, given in COMPOSE["services"][name]["depends_on"].items()}
    assert conditions == {"kafka": "service_healthy", f"migrate-{name}": "service_completed_successfully"}
    assert COMPOSE["services"][f"migrate-{name}"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert COMPOSE["services"][f"migrate-{name}"]["environment"] == COMPOSE["services"][name]["environment"]


@pytest.mark.parametrize("name", SERVICES)
def test_health_is_asked_where_the_service_answers(name):
    _, *command = COMPOSE["services"][name]["healthcheck"]["test"]
    app, port = import_module(f"services.{name}.app"), settings_class(name).model_fields["port"].default
    settings = settings_class(name)(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    assert command == healthcheck_of_image()
    assert "os.environ['PLAINT_PORT'] + '/readyz'" in command[-1]
    assert COMPOSE["services"][name]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert "/readyz" in app.app_of(app.engine_of(settings), settings).openapi()["paths"]


def test_the_keys_are_read_from_the_mounted_folder(monkeypatch):
    for name in SERVICES:
        (mount,) = COMPOSE["services"][name]["volumes"]
        assert mount["read_only"]
        assert OPTIONAL.fullmatch(mount["source"])[2] == "./.plaint/compose"
        assert settings_of(name, monkeypatch).keys_file == Path(mount["target"]) / "keys.json"


def test_only_this_machine_sees_the_ports():
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert len(ports) == 7
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_image_has_a_tag_and_every_mounted_file_is_there():
    for service in COMPOSE["services"].values():
        assert re.fullmatch(r"[a-z/]+:v?\d[\w.]*", service["image"])
        files = [each.split(":")[0] for each in service.get("volumes", ()) if isinstance(each, str)]
        assert [each for each in files if each.startswith("./") and not (ROOT / each).exists()] == []


def test_the_broker_is_reached_as_it_says():
    settings = COMPOSE["services"]["kafka"]["environment"]
    inside, outside = settings["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert (inside, outside) == ("PLAINTEXT://kafka:19092", "PLAINTEXT_HOST://127.0.0.1:9092")
    assert {value for name, value in settings.items() if "REPLICATION_FACTOR" in name or "ISR" in name} == {1}
    assert settings["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_the_broker_of_the_image_is_the_one_that_is_tested():
    pom = (ROOT / "plaint/local/pom.xml").read_text()
    version = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)<", pom)[1]
    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{version}"


def test_the_image_copies_what_is_there_and_runs_as_nobody():
    copied = [word for stage in STAGES for line in instructions(stage, "COPY") for word in shlex.split(line)[:-1]]
    sources = [word for word in copied if not word.startswith(("--from", "/"))]
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(sources) == let_in
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert instructions(STAGES[-1], "USER") == ["10001:10001"]
    assert "pip install" not in STAGES[-1]


def test_the_image_has_the_version_of_the_product():
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert f'image.version="{version}"' in STAGES[-1]
    assert {COMPOSE["services"][each]["image"] for each in (*PROGRAMS, "demo")} == {f"plaint:{version}"}


@pytest.mark.parametrize("cluster", ["", "kept-id"])
def test_a_new_volume_gets_a_cluster_id_of_its_own_and_keeps_it(cluster, tmp_path):
    if cluster:
        (tmp_path / "meta.properties").write_text(f"version=1\ncluster.id={cluster}\nnode.id=1\n")
    (tmp_path / "run").write_text("#!/bin/sh\necho $CLUSTER_ID\n")
    (tmp_path / "storage").write_text("#!/bin/sh\necho new-$1\n")
    for program in ("run", "storage"):
        (tmp_path / program).chmod(0o700)
    script = (ROOT / "deploy/kafka/start.sh").read_text()
    script = script.replace("/etc/kafka/docker/run", str(tmp_path / "run"))
    script = script.replace("/opt/kafka/bin/kafka-storage.sh", str(tmp_path / "storage"))
    done = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": "/usr/bin:/bin", "KAFKA_LOG_DIRS": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == (cluster or "new-random-uuid")


@pytest.fixture(scope="module")
def prepared():
    """A server of its own on which init.sh has run; the names it makes are not the tests' to choose."""
    with scratch_folder() as folder, LocalPostgres(folder / "postgres", fast=True) as server:
        admin = server.admin_url.split(":")[2].split("@")[0]
        environment = {
            "PATH": f"{database_programs(None)}:/usr/bin:/bin",
            **{name: f"of{name.split('_')[0].lower()}" for name in PASSWORDS},
            "POSTGRES_USER": "postgres",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGPASSWORD": admin,
        }
        subprocess.run(["bash", ROOT / "deploy/postgres/init.sh"], env=environment, check=True)
        yield server
        server.stop("immediate")


@pytest.mark.parametrize("name", SERVICES)
async def test_each_service_gets_a_database_that_only_it_enters(prepared, name):
    given = COMPOSE["services"][name]["environment"]["PLAINT_DATABASE_URL"]
    url = VARIABLE.sub(f"of{name}", given).replace("postgres:5432", f"127.0.0.1:{prepared.port}")
    connection = await asyncpg.connect(url)
    await connection.execute("create table own (id int)")
    assert not await connection.fetchval("select rolsuper or rolcreatedb from pg_roles where rolname = current_user")
    await connection.close()
    for other in set(SERVICES) - {name}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(prepared.url(other, name, f"of{name}"))
