"""
Become another program, tied to the process that asked for it.

Run as a script, ``python tether.py PARENT SIGNAL USER COMMAND...``: Linux then sends SIGNAL to the program when PARENT
dies in whatever way. USER is ``uid:gid`` to become first, or ``-``. A script and not a ``preexec_fn``, which may
deadlock in a process with threads (Python 3.12 warns of it).
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, orphan_signal: int, user: str, command: list[str]) -> None:
    """Replace this process by *command*; return only by exiting when the parent is already gone."""
    os.umask(0o077)
    if user != "-":
        _become(*map(int, user.split(":")))
    if sys.platform == "linux":
        # After the change of user: that change clears the setting.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, orphan_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the process that wanted this one is gone")
    os.execvp(command[0], command)  # noqa: S606 - the command is the caller's own, not input


def _become(uid: int, gid: int) -> None:
    # The starter's folder may be closed to the new user, and programs complain about a folder they cannot enter.
    os.chdir("/")
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
