"""What the operating system must do for us: privileges, death signals, process look-up."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pwd
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
PROC = Path("/proc")
# Loaded here because the code between fork and exec must not open libraries.
LIBC = ctypes.CDLL(None)


class StackError(Exception):
    """Something an operator can understand and put right; shown without a traceback."""


def is_linux() -> bool:
    return sys.platform == "linux"


def _prctl(*args: int) -> None:
    if is_linux():
        padded = (*args, 0, 0, 0, 0)[:5]
        LIBC.prctl(*padded)


def die_with_parent(sig: signal.Signals = signal.SIGKILL) -> None:
    _prctl(PR_SET_PDEATHSIG, sig)


def server_user(data: Path) -> pwd.struct_passwd | None:
    """Return the account PostgreSQL must run as, or None when ours will do.

    PostgreSQL refuses root and wants to own its data, so an existing directory keeps its owner.
    """
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(FileNotFoundError, KeyError):
        owner = data.stat().st_uid
        if owner != 0:
            return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam("nobody")
    except KeyError as error:
        raise StackError(
            "PostgreSQL refuses root and there is no user 'nobody' to run it"
        ) from error


def child_setup(
    user: pwd.struct_passwd | None = None, death_signal: signal.Signals = signal.SIGKILL
) -> Callable[[], None]:
    """Return what runs between fork and exec: another user if asked, and death with the parent."""

    def setup() -> None:
        if user is not None:
            _become(user)
        # After the change of user: the kernel clears the death signal when credentials change.
        die_with_parent(death_signal)

    return setup


def _become(user: pwd.struct_passwd) -> None:
    """Give up root but keep, where allowed, the right to pass directories such as /root.

    A clone below /root cannot be entered by `nobody`; the ambient CAP_DAC_OVERRIDE makes that
    work without opening any directory to other users.
    """
    _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if is_linux():
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        bit = 1 << CAP_DAC_OVERRIDE
        LIBC.capset(header, (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0))
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(preferred: int = 0) -> int:
    """Return the preferred port when nobody listens on it, else any free one."""
    if preferred and port_is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_in(directory: Path) -> list[int]:
    """Return the processes whose working directory is this one.

    PostgreSQL's processes and Redis all change into their data directory, so this finds orphans of
    a killed stack even when pid files lie. Empty where /proc does not exist.
    """
    target, found = str(directory), []
    for entry in PROC.glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if str(entry.readlink()) == target:
                found.append(int(entry.parent.name))
    return found


def clear_orphans(directory: Path, *, patience: float = 3.0) -> None:
    """Wait for leftovers of a killed stack to leave this data directory, then make them."""
    started = time.monotonic()
    while leftovers := processes_in(directory):
        waited = time.monotonic() - started
        if waited > patience + 5:
            raise StackError(f"processes {leftovers} still use {directory} and cannot be ended")
        sig = signal.SIGKILL if waited > patience + 2 else signal.SIGQUIT
        for pid in leftovers if waited > patience else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
        time.sleep(0.05)


def process_name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "comm").read_text().strip()
    return ""


def interrupted(pid: int) -> bool:
    """Tell whether make sits in its SIGINT handler, where it waits for us: SIGINT is blocked."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        status = (PROC / str(pid) / "status").read_text()
        blocked = int(status.split("SigBlk:")[1].split()[0], 16)
        return bool(blocked >> (signal.SIGINT - 1) & 1)
    return False


def kill_group(group: int, sig: int) -> bool:
    """Signal a process group (0 only asks); False when nobody is left in it."""
    try:
        os.killpg(group, sig)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@contextlib.contextmanager
def file_lock(path: Path, *, wait: float) -> Iterator[None]:
    """Hold an exclusive lock that the kernel drops when this process dies."""
    with path.open("a+") as handle:
        deadline = time.monotonic() + wait
        while not _try_lock(handle.fileno()):
            if time.monotonic() >= deadline:
                raise TimeoutError(path)
            time.sleep(0.05)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
