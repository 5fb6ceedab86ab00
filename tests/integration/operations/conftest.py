"""
What docker-compose.yml describes, started without Docker.

The image is a folder into which the Dockerfile's steps are carried out; each container is a process with the image's
programs, the file's command and exactly the file's environment, where only addresses and folders of the containers are
exchanged for those of this machine. ``docker compose …`` in a runbook is answered by `Composed.docker`.
"""

import json
import os
import re
import shlex
import shutil
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from plaint.local.installation import database_programs
from plaint.local.kafka import Kafka
from plaint.local.ports import free_port
from plaint.local.postgres import LocalPostgres
from plaint.local.processes import ServiceProcess
from plaint.local.scratch import scratch_folder
from plaint.local.tansu import Tansu

ROOT = Path(__file__).parents[3]
SERVICES = ("intake", "routing", "resolution", "followup")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
VARIABLE = re.compile(r"\$\{(\w+)(?::[?-]([^}]*))?\}")
PGDATA = "/var/lib/postgresql/18/docker"
DOCKER = f"""#!{sys.executable}
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as conversation:
    conversation.connect(os.environ["DOCKER_SOCKET"])
    with conversation.makefile("rw") as line:
        print(json.dumps(sys.argv[1:]), file=line, flush=True)
        answer = json.loads(line.readline())
if "exec" in answer:
    os.execve(answer["exec"][0], answer["exec"], answer["env"])
sys.stdout.write(answer["out"])
sys.exit(answer["code"])
"""


def build_image(folder: Path) -> Path:
    """Carry out the Dockerfile's first stage in *folder*; return its environment's folder of programs."""
    stage = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ").split("\nFROM ")[0]
    source, programs = folder / "src", folder / "programs"
    source.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "python"], check=True)
    programs.mkdir()
    (programs / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    environment = {"PATH": f"{programs}:{os.defpath}", "HOME": os.environ["HOME"]}
    environment |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("SSL_", "UV_", "PIP_"))}
    for line in stage.splitlines():
        word, _, rest = line.partition(" ")
        if word == "COPY":
            _copy(shlex.split(rest), source)
        elif word == "ENV":
            environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
            environment["UV_PROJECT_ENVIRONMENT"] = str(folder / "plaint")
            environment["UV_PYTHON"] = sys._base_executable
            environment.pop("UV_NO_CACHE", None)  # the tests' own wheels are at hand, and the image's are the same
        elif word == "RUN" and not rest.startswith("python -m pip"):  # `make install` carries that one out
            subprocess.run(shlex.split(rest), cwd=source, env=environment, check=True, capture_output=True)
    return folder / "plaint" / "bin"


def _copy(words, source):
    *names, target = words
    for name in names:
        place = source / target / (Path(name).name if target.endswith("/") else "")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        elif not target.startswith("/"):
            shutil.copy(ROOT / name, place)


@pytest.fixture(scope="session")
def image():
    """The folder of the image's programs."""
    with scratch_folder() as folder:
        yield build_image(folder)


def resolve(value, variables):
    """Put variables in, as Compose does."""
    return VARIABLE.sub(lambda found: variables.get(found[1]) or found[2] or "", value)


class Composed:
    """The file's containers as processes of this machine; ``dotenv`` is its ``.env`` and may change."""

    def __init__(self, folder: Path, image: Path, broker: str, dotenv: Path) -> None:
        self.folder = folder
        self.dotenv = dotenv
        self.ports = {name: free_port() for name in SERVICES}
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        self.postgres = LocalPostgres(folder / "postgres")
        self.broker = Tansu(free_port()) if broker == "tansu" else Kafka(folder / "kafka", free_port())
        self._tansu = broker == "tansu"
        self._image = image
        self.processes: dict[str, ServiceProcess] = {}

    @property
    def variables(self) -> dict[str, str]:
        lines = self.dotenv.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def environment(self, name: str) -> dict[str, str]:
        """Exactly what the file gives the container, with this machine's addresses."""
        variables = self.variables
        given = COMPOSE["services"][name]["environment"]
        values = {
            key: variables.get(key) if value is None else resolve(str(value), variables) for key, value in given.items()
        }
        local = {key: self._here(value) for key, value in values.items() if value is not None}
        if "PLAINT_PORT" in local:
            local["PLAINT_PORT"] = str(self.ports[name.removeprefix("migrate-")])
            local["PLAINT_HOST"] = "127.0.0.1"
        # Tansu wants shorter fetches; on Apache Kafka nothing is added.
        return local | ({"PLAINT_KAFKA__FETCH_WAIT_MS": "25"} if self._tansu else {})

    def _here(self, value: str) -> str:
        for service, port in self.ports.items():
            value = value.replace(
                f"//{service}:{COMPOSE['services'][service]['environment']['PLAINT_PORT']}", f"//127.0.0.1:{port}"
            )
        folder = resolve(COMPOSE["services"]["intake"]["volumes"][0]["source"], self.variables)
        keys = ROOT / folder if folder.startswith("./deploy") else self.folder / folder
        for there, here in (
            ("@postgres:5432", f"@127.0.0.1:{self.postgres.port}"),
            ("kafka:19092", self.broker.bootstrap),
            ("/run/plaint", str(keys)),
        ):
            value = value.replace(there, here)
        return value

    def command(self, name: str) -> list[str]:
        program, *arguments = COMPOSE["services"][name]["command"]
        return [str(self._image / program), *arguments]

    def up(self, name: str) -> None:
        """Start one container and wait until it is well; renew it if its settings have changed."""
        if name == "postgres":
            self.start_postgres()
        elif name == "kafka":
            self.broker.start()
        elif name.startswith("migrate-"):
            self.run(name)
        else:
            self._serve(name)

    def start_postgres(self) -> None:
        fresh = not (self.folder / "postgres/cluster").exists()
        self.postgres.start()
        if fresh:
            environment = self.postgres_environment() | {"POSTGRES_USER": "postgres"} | self.variables
            subprocess.run(["bash", ROOT / "deploy/postgres/init.sh"], env=environment, check=True)

    def run(self, name: str) -> subprocess.CompletedProcess:
        """Run a container that ends by itself."""
        done = subprocess.run(
            self.command(name), env=self.environment(name), cwd="/", check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done

    def _serve(self, name: str) -> None:
        old = self.processes.get(name)
        environment = self.environment(name)
        if old is not None and old.alive and old.env == environment:
            return
        self.stop(name)
        process = ServiceProcess(name, self.command(name), environment, self.log(name))
        self.processes[name] = process
        process.start()
        process.wait_ready(f"{self.urls[name]}/readyz", 120)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def stop(self, name: str) -> None:
        if name == "postgres":
            self.postgres.stop()
        elif name == "kafka":
            self.broker.stop()
        elif name in self.processes:
            self.processes[name].stop(20)

    def postgres_environment(self) -> dict[str, str]:
        password = self.postgres.admin_url.split(":")[2].split("@")[0]
        programs = database_programs(None)
        return {
            "PATH": f"{programs}:/usr/bin:/bin",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.postgres.port),
            "PGPASSWORD": password,
        }

    # Docker, as far as the runbook goes.

    def docker(self, arguments: list[str]) -> dict:  # noqa: C901 - one case for each verb of Compose
        """Answer one command line: a program to become, or what it prints and its exit code."""
        compose, verb, *rest = [word for word in arguments if word not in {"-T", "-d", "--wait", "--rm", "--no-deps"}]
        assert compose == "compose", arguments
        names = [word for word in rest if word in COMPOSE["services"]]
        match verb:
            case "exec" | "run" if names[0] == "postgres":
                return self._in_postgres(rest[1:])
            case "run":
                return self._said(self.run(names[0]).stdout)
            case "stop":
                for name in names:
                    self.stop(name)
            case "start" | "up":
                for name in names:
                    self.up(name)
            case "restart":
                for name in names:
                    self.stop(name)
                    self.up(name)
            case "logs":
                log = self.postgres.log if names[0] == "postgres" else self.log(names[0])
                tail = int(rest[rest.index("--tail") + 1])
                return self._said("\n".join(log.read_text().splitlines()[-tail:]) + "\n")
            case "ps":
                alive = {name: process.alive for name, process in self.processes.items()}
                alive |= {"postgres": self.postgres.alive, "kafka": self.broker.alive}
                return self._said("".join(f"plaint-{n}-1 {'Up' if a else 'Exited'}\n" for n, a in alive.items()))
            case _:
                raise AssertionError(arguments)
        return self._said("")

    def _said(self, out: str) -> dict:
        return {"out": out, "code": 0}

    def _in_postgres(self, command: list[str]) -> dict:
        local = {"/etc/plaint": str(ROOT / "deploy/postgres"), "/var/lib/postgresql": str(self.folder / "postgres")}
        for there, here in local.items():
            command = [word.replace(there, here) for word in command]
        environment = self.postgres_environment() | {"PGDATA": str(self.folder / "postgres/cluster")}
        return {"exec": [shutil.which(command[0], path=environment["PATH"]), *command[1:]], "env": environment}


class _Daemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    composed: Composed


class _Answer(socketserver.StreamRequestHandler):
    def handle(self):
        arguments = json.loads(self.rfile.readline())
        try:
            answer = self.server.composed.docker(arguments)
        except Exception as error:  # noqa: BLE001 - the command line sees what went wrong, as with Docker
            answer = {"out": f"{type(error).__name__}: {error}\n", "code": 1}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


class Operator:
    """Somebody at a shell, in the folder of docker-compose.yml, with the commands of the guide at hand."""

    def __init__(self, composed: Composed, key: str) -> None:
        self.composed = composed
        self.folder = composed.folder
        programs = self.folder / "programs"
        programs.mkdir(exist_ok=True)
        (programs / "docker").write_text(DOCKER)
        (programs / "docker").chmod(0o755)
        (programs / "plaint").symlink_to(Path(sys.executable).with_name("plaint"))
        self._daemon = _Daemon(str(self.folder / "docker.sock"), _Answer)
        self._daemon.composed = composed
        threading.Thread(target=self._daemon.serve_forever, daemon=True).start()
        self.environment = {
            "PATH": f"{programs}:{os.defpath}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "PLAINT_HOME": str(self.folder / "home"),
            "LC_ALL": "C.UTF-8",
            "PLAINT_LANG": "en",
            "DOCKER_SOCKET": str(self.folder / "docker.sock"),
            "PLAINT_API_KEY": key,
            "PLAINT_KAFKA__BOOTSTRAP_SERVERS": composed.broker.bootstrap,
            **{f"PLAINT_{name.upper()}_URL": url for name, url in composed.urls.items()},
        }

    def types(self, command: str, **more: str) -> subprocess.CompletedProcess:
        """Run *command* in bash, with *more* in the environment."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def close(self) -> None:
        self._daemon.shutdown()
        self._daemon.server_close()


def eventually(question, seconds=120.0):
    """Ask until the answer is truthy, and return it."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"it did not happen in {seconds} s"
        time.sleep(0.3)
    return answer


@pytest.fixture(scope="session")
def wait():
    return eventually


def start_everything(composed: Composed) -> None:
    """What ``docker compose up`` does, in the order of the file's dependencies."""
    composed.up("postgres")
    composed.up("kafka")
    threads = [threading.Thread(target=_start_service, args=(composed, name)) for name in SERVICES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [name for name in SERVICES if not composed.processes[name].alive] == []


def _start_service(composed, name):
    composed.up(f"migrate-{name}")
    composed.up(name)


def stop_everything(composed: Composed) -> None:
    for name in (*SERVICES, "kafka"):
        composed.stop(name)
    composed.postgres.stop("immediate")


def _open(folder, image, broker, dotenv):
    composed = Composed(folder, image, broker, dotenv)
    start_everything(composed)
    return composed


@pytest.fixture(scope="session")
def demo_installation(image, request):
    """Everything with deploy/demo/demo.env, as `docker compose --env-file` takes it, at its anchor."""
    with scratch_folder() as folder:
        dotenv = folder / ".env"
        anchor = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 12))
        given = (ROOT / "deploy/demo/demo.env").read_text()
        dotenv.write_text(f"{given}\nPLAINT_CLOCK__ANCHOR={anchor}\n")
        composed = _open(folder, image, request.config.getoption("--broker"), dotenv)
        yield composed
        stop_everything(composed)


@pytest.fixture(scope="module")
def operator(image, request):
    """Somebody who runs a real installation, made by the steps of docs/deployment.md."""
    with scratch_folder() as folder:
        dotenv = folder / ".env"
        example = (ROOT / "deploy/example.env").read_text()
        dotenv.write_text(re.sub(r"^(\w+)_PASSWORD=$", r"\1_PASSWORD=of\1", example, flags=re.MULTILINE))
        (folder / ".plaint/compose").mkdir(parents=True)
        issued = subprocess.run(
            [
                Path(sys.executable).with_name("plaint"),
                "key",
                "issue",
                "operator",
                "--file",
                folder / ".plaint/compose/keys.json",
                *(
                    word
                    for scope in (
                        "intake:read",
                        "intake:write",
                        "routing:read",
                        "resolution:read",
                        "resolution:write",
                        "followup:read",
                        "admin",
                    )
                    for word in ("--scope", scope)
                ),
            ],
            check=True,
            capture_output=True,
            text=True,
            cwd=folder,
        )
        composed = _open(folder, image, request.config.getoption("--broker"), dotenv)
        at_work = Operator(composed, issued.stdout.strip())
        yield at_work
        at_work.close()
        stop_everything(composed)
