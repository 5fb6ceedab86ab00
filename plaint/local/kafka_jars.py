"""Apache Kafka's jars, fetched once from the Maven repository the machine is set up for."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from plaint.local.failure import LocalFailure
from plaint.local.locks import locked
from plaint.local.processes import Tell, silent

KAFKA_VERSION = "4.3.0"

_POM = Path(__file__).with_name("pom.xml")
# 43 MB take 10 s on a good line.
_FETCH_SECONDS = 600.0


def java() -> str:
    """
    Return the Java program to run the broker with, ``JAVA_HOME``'s first.

    Raises:
        LocalFailure: There is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = (shutil.which("java", path=f"{home}/bin") if home else None) or shutil.which("java")
    if found is None:
        raise LocalFailure(
            "kafka.java_missing",
            "Apache Kafka needs Java 17 or later: install it (Debian, Ubuntu: apt-get install openjdk-17-jre-headless)",
        )
    return found


def kafka_jars(tell: Tell = silent) -> Path:
    """
    Return the folder of Apache Kafka's jars, fetching them when this machine does not have them yet.

    They are kept in ``$PLAINT_CACHE/kafka-<version>``, by default under ``~/.cache/plaint``. Of several processes
    one fetches and the others wait for it.

    Raises:
        LocalFailure: Maven is missing, or could not fetch them.
    """
    cache = Path(os.environ.get("PLAINT_CACHE") or Path.home() / ".cache" / "plaint") / f"kafka-{KAFKA_VERSION}"
    jars, marker, wanted = cache / "jars", cache / "complete", hashlib.sha256(_POM.read_bytes()).hexdigest()
    with locked(cache / "lock"):
        # Written last, so that an interrupted fetch is begun again.
        if not (marker.exists() and marker.read_text() == wanted):
            tell("kafka.fetch")
            shutil.rmtree(jars, ignore_errors=True)
            _fetch(jars)
            marker.write_text(wanted)
    return jars


def _fetch(jars: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise LocalFailure(
            "kafka.maven_missing",
            "Apache Kafka is fetched with Maven: install it (Debian, Ubuntu: apt-get install maven)",
        )
    command = [maven, "-B", "-q", "--strict-checksums", "-f", str(_POM), "dependency:copy-dependencies"]
    command.append(f"-DoutputDirectory={jars.absolute()}")
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, check=False, capture_output=True, text=True, timeout=_FETCH_SECONDS, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise LocalFailure("kafka.fetch_failed", f"Maven was not done after {_FETCH_SECONDS:g} s") from error
    if done.returncode:
        raise LocalFailure("kafka.fetch_failed", "Maven could not fetch Apache Kafka", done.stdout[-2000:])
