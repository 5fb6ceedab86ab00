"""Temporary folders a database server can use."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """
    Provide an empty folder, removed afterwards, that every user may pass through but not list.

    Under root the database runs as a user of its own, who cannot reach the data through an ordinary temporary folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="plaint-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
