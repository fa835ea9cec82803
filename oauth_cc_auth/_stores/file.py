"""Tokens in files, for the processes of one host. The one law: only their user can read them, and a process that dies
leaves nothing locked and nothing half written.

A lease is a lock of the operating system, which ends with the process that holds it. The file beside it says until when
the owner wants it. An owner that is still there some time after that hangs or is stopped, or another process has
inherited its lock: then the store counts as down, so that those who wait go on before their deadline.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import os
import stat
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from oauth_cc_auth._errors import ConfigurationError, TokenError
from oauth_cc_auth._http.interrupts import Ignoring

from .arguments import CIPHER, EncryptingStore, EncryptionKey, library

_LARGEST = 2**20  # bytes
_STUCK = 5.0  # seconds beyond its lease after which an owner that still has it is said to hang
_ABANDONED = 10.0  # seconds after which a file that is not finished is what a killed process has left
_ENTRY, _UNFINISHED, _LOCK, _LEASE = ".token", ".new", ".lock", ".lease"


class FileStore(EncryptingStore):
    """Keeps tokens in files, for all processes of this user on this host; not on a network file system.

    Args:
        directory: Where; made if it is not there, and refused if other users can look into it. None: a folder for
            caches of this user.
        encryption_key: At least 16 bytes, mixed into the key that the credentials give; or several, to change it: the
            first one writes, and all of them read.
        encrypt: False leaves tokens readable for everyone who can read the files.

    Raises:
        ConfigurationError: a value cannot be right, or a package is missing.
    """

    directory: Path

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        encryption_key: EncryptionKey = None,
        encrypt: bool = True,
    ) -> None:
        super().__init__(encryption_key, encrypt=encrypt)
        library("filelock", "file", "FileStore")
        if encrypt:
            library(CIPHER, "file", "FileStore")
        self.directory = _folder(directory).expanduser().absolute()
        self._begin()
        try:
            problem = _what_is_wrong_with(self.directory) if self.directory.exists() else ""
        except PermissionError as error:
            problem = f"cannot be looked into: {_said_by(error)}"
        if problem:
            remedy = "name a folder that only this user can read (mode 0700)"
            raise ConfigurationError(field="directory", problem=f"{self.directory} {problem}", remedy=remedy)

    def _begin(self) -> None:
        self._guard = Lock()
        self._process = os.getpid()
        # By key, the owner, until when in monotonic seconds, and the lock.
        self._held: dict[str, tuple[str, float, Any]] = {}
        self._has_swept = False

    def __getstate__(self) -> dict[str, Any]:
        return {
            "directory": self.directory,
            "encryption_keys": self.encryption_keys,
            "encrypt": self.encrypt,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __repr__(self) -> str:
        return f"FileStore({str(self.directory)!r})"

    def read(self, key: str) -> tuple[bytes | None, float]:
        """The value of `key` or None, and this host's time."""
        with _plain_errors():
            return _read_from(self._path(key, _ENTRY)), time.time()

    def write(self, key: str, value: bytes, seconds: float, owner: str) -> bool:
        """Keep `value` for `seconds`, if `owner` has the lease of `key`."""
        with _plain_errors():
            held = self._held.get(key)
            if held is None or held[0] != owner:
                return False
            self._sweep()
            descriptor, name = tempfile.mkstemp(_UNFINISHED, dir=self.directory)  # mode 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(value)
                now = time.time()
                os.utime(name, (now, now + seconds))  # its end, for who sweeps
                Path(name).replace(self._path(key, _ENTRY))
            except BaseException:
                with Ignoring(OSError):
                    Path(name).unlink()
                raise
            return True

    def delete(self, key: str) -> None:
        """Forget the value of `key`."""
        with _plain_errors():
            self._path(key, _ENTRY).unlink(missing_ok=True)

    def acquire(self, key: str, owner: str, seconds: float) -> bool:
        """Lock `key` for `owner`, who says that it takes `seconds` at most; False if another one has it."""
        import filelock

        self._make_directory()
        with _plain_errors(), self._lock_here():
            lease = self._path(key, _LEASE)
            held = self._held.get(key)
            if held is None:
                # Its file stays: if it were deleted, two processes could each lock one of that name.
                lock = filelock.FileLock(self._path(key, _LOCK), mode=0o600, thread_local=False)
                try:
                    lock.acquire(timeout=0)
                except filelock.Timeout:
                    _check_is_alive(lease)
                    return False
            elif held[0] == owner or time.monotonic() >= held[1]:  # a lease ends by itself, here as elsewhere
                lock = held[2]
            else:
                return False
            self._held[key] = owner, time.monotonic() + seconds, lock
            descriptor = os.open(lease, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_LINKS, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(str(time.time() + seconds))
            return True

    def release(self, key: str, owner: str) -> None:
        """Unlock `key`, if `owner` has it."""
        with _plain_errors(), self._lock_here():
            held = self._held.get(key)
            if held is not None and held[0] == owner:
                del self._held[key]
                held[2].release()

    def clear(self) -> int:
        """Delete the tokens of all clients; how many there were. Locks stay: a process may hold one."""
        with _plain_errors():
            entries = list(self.directory.glob(f"*{_ENTRY}"))
            for path in entries:
                path.unlink(missing_ok=True)
            for path in self.directory.glob(f"*{_UNFINISHED}"):
                _remove_if_abandoned(path)
            return len(entries)

    def _path(self, key: str, kind: str) -> Path:
        return self.directory / f"{key}{kind}"

    def _lock_here(self) -> Lock:
        """What guards the locks that this process holds; a child of it holds none."""
        if self._process != os.getpid():
            self._begin()
        return self._guard

    def _make_directory(self) -> None:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            problem = _what_is_wrong_with(self.directory)
        except OSError as error:
            problem = f"cannot be made: {_said_by(error)}"
        if problem:
            raise TokenError(f"its directory {self.directory} {problem}")

    def _sweep(self) -> None:
        """Remove what has ended, and what a process did not get finished; once in each process."""
        if self._has_swept:
            return
        self._has_swept = True
        now = time.time()
        for path in self.directory.glob(f"*{_ENTRY}"):
            with Ignoring(OSError):  # another process was faster
                if path.stat().st_mtime < now:
                    path.unlink()
        for path in self.directory.glob(f"*{_UNFINISHED}"):
            _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    """Remove a file that a process did not get finished. Its time of change is used: that of its content is its end."""
    with Ignoring(OSError):  # another process was faster
        if path.stat().st_ctime + _ABANDONED < time.time():
            path.unlink()


def default_directory() -> Path:
    """The folder for caches of this user.

    Raises:
        ConfigurationError: the package that knows it is missing.
    """
    folder: Path = library("platformdirs", "file", "FileStore").user_cache_path("oauth-cc-auth", appauthor=False)
    return folder


def _folder(given: Any) -> Path:
    if given is None:
        return default_directory()
    if not isinstance(given, (str, os.PathLike)):
        raise ConfigurationError(field="directory", problem=f"must be a path, not {type(given).__name__}")
    return Path(given)


_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)  # not on Windows


def _read_from(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINKS | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_LARGEST)


def _what_is_wrong_with(directory: Path) -> str:
    """Why no token may be kept there; empty if it may."""
    found = directory.stat()
    if not stat.S_ISDIR(found.st_mode):
        return "is no directory"
    if hasattr(os, "geteuid"):  # pragma: no branch  # not on Windows, where folders of a user are the user's own
        if found.st_uid != os.geteuid():
            return "belongs to another user"
        if found.st_mode & 0o077:
            return "can be used by other users"
    return ""


def _check_is_alive(lease: Path) -> None:
    """Raise a TokenError if the owner of a lease has said that it would be done by now, and is not by far."""
    try:
        until = float(lease.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):  # it has just begun
        return
    if time.time() > until + _STUCK:
        raise TokenError("another process holds a lock for longer than it can need it")


@contextmanager
def _plain_errors() -> Generator[None, None, None]:
    """Have errors of the operating system say what is wrong, and not where; a path may be nobody's business."""
    try:
        yield
        return
    except OSError as error:
        problem = _said_by(error)
    raise TokenError(f"the file system says: {problem}")


def _said_by(error: OSError) -> str:
    return error.strerror or type(error).__name__


FileStore.__module__ = "oauth_cc_auth.stores"
