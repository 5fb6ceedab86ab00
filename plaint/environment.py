"""What the services of a stack are told: nothing of the operator's own connections, everything of the stack's."""

import os
from collections.abc import Mapping
from pathlib import Path

# These speak of other installations than the one that is being started.
_FOREIGN = ("PLAINT_KAFKA__", "PLAINT_API_KEY", "PLAINT_DATABASE_URL", "PLAINT_CLOCK__", "PLAINT_DEMO")
_SOURCES = Path(__file__).resolve().parents[1]


def stack_environment(
    environment: Mapping[str, str], *, bootstrap: str, prefix: str, keys_file: Path, extras: Mapping[str, str]
) -> dict[str, str]:
    """
    Return the environment that all services of a stack share.

    Args:
        environment: the starter's own; its ``PLAINT_…`` settings, such as mail or deadlines, go to the services.
        bootstrap: ``host:port`` of the stack's broker.
        prefix: what stands before every topic.
        keys_file: the hashed API keys.
        extras: further variables, which go before all others.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith(_FOREIGN)}
    paths = [str(_SOURCES), *filter(None, [environment.get("PYTHONPATH")])]
    return {
        **kept,
        # The same code as here, however it was found.
        "PYTHONPATH": os.pathsep.join(paths),
        "PLAINT_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "PLAINT_KAFKA__PREFIX": prefix,
        "PLAINT_KEYS_FILE": str(keys_file),
        **extras,
    }
