"""Files that are either as they were or whole."""

import glob
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write to the path that this gives; it takes the place of ``path`` at the end, or vanishes after an error.

    What a killed writer of the same file has left behind is removed.
    """
    path = Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    for rest in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
        if not _runs(rest.name.removesuffix(".part").rpartition(".")[2]):
            rest.unlink(missing_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")  # two processes do not share one
    try:
        yield aside
        with open(aside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _runs(process: str) -> bool:
    """Whether a process of this number may be running; where that cannot be asked, it may."""
    if os.name != "posix" or not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)  # signal 0 does nothing but look
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def finishing() -> Iterator[None]:
    """Inside, Ctrl-C waits until the end."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread gets signals
        yield
        return
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
