"""Starting children from a thread that does not end before the process does."""

import functools
import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

_Start = Callable[[], "subprocess.Popen[bytes]"]
_Request = tuple[_Start, "Future[subprocess.Popen[bytes]]"]


def spawn(start: _Start) -> "subprocess.Popen[bytes]":
    """
    Run *start* in the spawning thread and return the child it made.

    Linux takes the end of the *thread* that forked for the death of the parent, so a child started from a worker
    thread would be told to stop as soon as that worker is done.

    Raises:
        OSError: As *start* raised it.
    """
    answer: Future[subprocess.Popen[bytes]] = Future()
    _requests(os.getpid()).put((start, answer))
    return answer.result()


@functools.cache
def _requests(pid: int) -> "SimpleQueue[_Request]":
    # By process id, since a forked process inherits the cache but not the thread.
    requests: SimpleQueue[_Request] = SimpleQueue()
    # A daemon, since others are joined before the exit handlers run, which still need the children alive.
    threading.Thread(target=_serve, args=(requests,), name=f"spawning-{pid}", daemon=True).start()
    return requests


def _serve(requests: "SimpleQueue[_Request]") -> None:
    while True:
        start, answer = requests.get()
        try:
            answer.set_result(start())
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
            answer.set_exception(error)
