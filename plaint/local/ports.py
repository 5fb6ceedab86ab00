"""Free TCP ports on the loopback address."""

import secrets
import socket

# Below every system's range for outgoing connections (Linux starts at 32768): a client that keeps knocking on a
# stopped server's port within that range can be given the very port it knocks on, and then holds it against the server.
_PORTS = range(20_000, 32_768)
_handed_out: set[int] = set()


def free_port() -> int:
    """
    Return a loopback port nobody listens on, never the same one twice in this process.

    Raises:
        OSError: No port between 20000 and 32767 is left.
    """
    for _ in range(len(_PORTS)):
        port = secrets.choice(_PORTS)
        if port not in _handed_out and _is_free(port):
            _handed_out.add(port)
            return port
    raise OSError("no free port between 20000 and 32767")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_listening(port: int) -> bool:
    """Tell whether somebody accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
