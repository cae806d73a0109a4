"""Files that are either as they were or whole."""

import glob
import hashlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache() -> Path:
    """The folder for what is dear to compute: $GANLIB_CACHE, or ~/.cache/ganlib.

    Raises:
        OSError: nobody knows the user's home.
    """
    try:
        return Path(os.environ.get("GANLIB_CACHE") or "~/.cache/ganlib").expanduser()
    except RuntimeError as error:
        raise OSError(str(error)) from error


def intact(folder: Path, name: str) -> Path:
    """The path of a file that ganlib comes with, after a look at its SHA-256 in ``folder``/SHA256SUMS.

    A file that is not listed there is one's own.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not as it was shipped.
    """
    path, sums = folder / name, folder / "SHA256SUMS"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; it comes with ganlib: install it again, or clone it anew")
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.exists() else []
    wanted = {listed: digest for digest, listed in (line.split("  ", 1) for line in lines)}.get(name)
    if wanted is not None and hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
        raise ValueError(f"{path} is damaged: its SHA-256 is not the one in {sums.name}; clone or install ganlib anew")
    return path


def listed_anew(folder: Path, name: str) -> None:
    """Bring a file's line in ``folder``/SHA256SUMS up to date, where the folder has such a list."""
    sums = folder / "SHA256SUMS"
    if sums.exists():
        others = [line for line in sums.read_text(encoding="utf-8").splitlines() if line.split("  ", 1)[1] != name]
        line = f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}"
        with replacing(sums) as aside:
            lines = sorted([*others, line], key=lambda listed: listed.split("  ", 1)[1])
            aside.write_text("\n".join(lines) + "\n", encoding="utf-8")


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
