"""`FileStore`: what lies where, who can read it, and what happens if it cannot be written."""

from __future__ import annotations

import copy
import os
import pickle
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth import ConfigurationError, TokenError
from oauth_cc_auth._stores import file
from oauth_cc_auth.stores import FileStore
from tests.stores.hosts import Host

KEY = "ab" * 32
LONG = 1000.0  # seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


@pytest.fixture
def store(folder: Path) -> FileStore:
    return FileStore(folder)


def kept(store: FileStore, value: bytes = b"value", key: str = KEY) -> None:
    assert store.acquire(key, "me", LONG)
    assert store.write(key, value, LONG, "me")
    store.release(key, "me")


def test_read_and_write(store: FileStore) -> None:
    """What is written is read, with this host's time; what is not there is None."""
    assert not store.directory.exists()
    before = time.time()
    value, now = store.read(KEY)
    assert value is None
    assert before <= now <= time.time()
    kept(store)
    assert FileStore(store.directory).read(KEY)[0] == b"value"
    kept(store, b"other")
    assert store.read(KEY)[0] == b"other"
    store.delete(KEY)
    store.delete(KEY)
    assert store.read(KEY)[0] is None


def test_only_the_user_can_read_it(store: FileStore) -> None:
    """Files have mode 0600, in a folder with 0700, whatever the umask is."""
    before = os.umask(0)
    try:
        kept(store)
    finally:
        os.umask(before)
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.directory.iterdir()} == {0o600}
    assert sorted(path.suffix for path in store.directory.iterdir()) == [".lease", ".lock", ".token"]


def test_a_lease_is_that_of_its_owner(store: FileStore) -> None:
    """Also of one store object: two auth objects may share it."""
    other = FileStore(store.directory)
    assert store.acquire(KEY, "me", LONG)
    assert store.acquire(KEY, "me", LONG)
    assert not store.acquire(KEY, "you", LONG)
    assert not other.acquire(KEY, "you", LONG)
    assert not other.write(KEY, b"", LONG, "you")
    assert not store.write(KEY, b"", LONG, "you")
    store.release(KEY, "you")
    other.release(KEY, "you")
    assert not other.acquire(KEY, "you", LONG)
    store.release(KEY, "me")
    assert other.acquire(KEY, "you", LONG)
    other.release(KEY, "you")
    assert (store.directory / f"{KEY}.lock").exists()


def test_an_owner_that_hangs(store: FileStore) -> None:
    """The store counts as down: others fetch for themselves, until it is gone."""
    other = FileStore(store.directory)
    assert store.acquire(KEY, "me", -6.0)
    with pytest.raises(TokenError, match="holds a lock for longer than it can need it"):
        other.acquire(KEY, "you", LONG)
    (store.directory / f"{KEY}.lease").unlink()
    assert not other.acquire(KEY, "you", LONG)
    store.release(KEY, "me")


def test_a_lease_ends_in_its_own_process_too(store: FileStore) -> None:
    """Its owner may have been collected as garbage before it could let go."""
    assert store.acquire(KEY, "me", 0.0)
    assert store.acquire(KEY, "you", LONG)
    assert not store.acquire(KEY, "me", LONG)
    assert not store.write(KEY, b"mine", LONG, "me")
    store.release(KEY, "you")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_has_no_lease_of_its_parent(store: FileStore) -> None:
    """And does not end that one; not even if the parent's dies while the child lives."""
    assert store.acquire("cd" * 32, "me", LONG)
    program = f"""
import os, sys
from oauth_cc_auth.stores import FileStore
store = FileStore({str(store.directory)!r})
assert store.acquire({KEY!r}, "me", 1000.0)
child = os.fork()
if not child:
    assert not store.acquire({KEY!r}, "me", 1000.0)
    store.release({KEY!r}, "me")
    os.write(1, b"ready")
    os.read(0, 1)
    os._exit(0)
os.waitpid(child, os.WNOHANG)
os.read(0, 1)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        assert parent.stdout.read(5) == b"ready"
        assert not store.acquire(KEY, "you", LONG)
        parent.kill()
        parent.wait()
        assert store.acquire(KEY, "you", LONG)
    store.release(KEY, "you")


def test_what_ended_is_swept(store: FileStore) -> None:
    """By the first write of each process; what another one is writing stays."""
    kept(store)
    old, unfinished = (store.directory / name for name in ("a.token", "b.new"))
    for path in (old, unfinished):
        path.touch()
        os.utime(path, (0, time.time() - 1))
    kept(FileStore(store.directory), key="cd" * 32)
    names = {path.name for path in store.directory.iterdir()}
    assert names & {"a.token", "b.new"} == {"b.new"}
    assert f"{KEY}.token" in names


@pytest.mark.parametrize("clean", [FileStore.clear, lambda store: kept(FileStore(store.directory))])
def test_so_is_what_a_killed_process_was_writing(
    store: FileStore, clean: Callable[[FileStore], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a whole token, whose time is its end. By `clear`, too."""
    kept(store)
    unfinished = store.directory / "b.new"
    unfinished.touch()
    os.utime(unfinished, (0, time.time() + 3600))
    monkeypatch.setattr("oauth_cc_auth._stores.file._ABANDONED", -1.0)
    clean(store)
    assert not unfinished.exists()


def test_clear_deletes_tokens_and_no_locks(store: FileStore) -> None:
    """Nor what another process is writing."""
    kept(store)
    unfinished = store.directory / "b.new"
    unfinished.touch()
    assert store.clear() == 1
    assert store.clear() == 0
    unfinished.unlink()
    assert sorted(path.suffix for path in store.directory.iterdir()) == [".lease", ".lock"]


def test_a_full_disk(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half written is left, what was there stays, and the error names no path."""
    kept(store)
    if not Path("/dev/full").exists():  # not on macOS and Windows
        pytest.skip("needs /dev/full")
    descriptor = os.open("/dev/full", os.O_WRONLY)
    written = store.directory / "x.new"

    def full(suffix: str, **where: Path) -> tuple[int, str]:
        written.touch()
        return descriptor, str(written)

    monkeypatch.setattr("tempfile.mkstemp", full)
    assert store.acquire(KEY, "me", LONG)
    with pytest.raises(TokenError) as caught:
        store.write(KEY, b"value", LONG, "me")
    assert str(caught.value) == "the file system says: No space left on device"
    assert not written.exists()
    assert store.read(KEY)[0] == b"value"
    store.release(KEY, "me")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes of Unix")
class TestFolders:
    def test_one_that_others_can_use_is_refused(self, folder: Path) -> None:
        folder.mkdir()
        folder.chmod(0o755)
        with pytest.raises(ConfigurationError, match=f"^directory {folder} can be used by other users; name a folder"):
            FileStore(folder)

    def test_so_is_one_that_becomes_so_later(self, store: FileStore) -> None:
        kept(store)
        store.directory.chmod(0o777)
        with pytest.raises(TokenError, match=f"its directory {store.directory} can be used by other users"):
            store.acquire(KEY, "me", LONG)

    def test_one_of_another_user_is_refused(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir(mode=0o700)
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        with pytest.raises(ConfigurationError, match=f"directory {folder} belongs to another user"):
            FileStore(folder)

    def test_a_file_is_none(self, folder: Path) -> None:
        folder.touch()
        with pytest.raises(ConfigurationError, match=f"directory {folder} is no directory"):
            FileStore(folder)

    def test_nor_is_one_that_no_one_may_look_for(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As in the folder of another user."""

        def denied(directory: Path) -> str:
            raise PermissionError(13, "Permission denied")

        folder.mkdir(mode=0o700)
        monkeypatch.setattr(file, "_what_is_wrong_with", denied)
        with pytest.raises(ConfigurationError, match=f"^directory {folder} cannot be looked into: Permission denied; "):
            FileStore(folder)

    def test_one_that_cannot_be_made(self, tmp_path: Path) -> None:
        """It is named, since no one else knows where `FileStore()` is."""
        (tmp_path / "file").touch()
        folder = tmp_path / "file" / "tokens"
        with pytest.raises(TokenError, match=f"^its directory {folder} cannot be made: Not a directory$"):
            FileStore(folder).acquire(KEY, "me", LONG)

    def test_links_are_not_followed(self, store: FileStore, tmp_path: Path) -> None:
        kept(store)
        (tmp_path / "secret").write_bytes(b"of others")
        path = store.directory / f"{KEY}.token"
        path.unlink()
        path.symlink_to(tmp_path / "secret")
        with pytest.raises(TokenError, match="the file system says"):
            store.read(KEY)

    def test_the_usual_one_is_for_caches_of_this_user(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("HOME", str(tmp_path))
        assert tmp_path in FileStore().directory.parents
        assert FileStore("~/x").directory == tmp_path / "x"


def test_copies_and_pickles(folder: Path) -> None:
    """A deep copy is the store itself; a pickle names the folder and holds the encryption keys, and no lock."""
    store = FileStore(folder, encryption_key=["first key of 16+", b"second key of 16"])
    assert copy.deepcopy(store) is store
    assert store.acquire(KEY, "me", LONG)
    other = pickle.loads(pickle.dumps(store))  # noqa: S301  # our own
    assert not other.acquire(KEY, "me", LONG)
    assert (other.directory, other.encryption_keys) == (folder, (b"first key of 16+", b"second key of 16"))
    assert repr(other) == f"FileStore({str(folder)!r})"
    store.release(KEY, "me")


def fetched_anew(store: FileStore, token: str) -> bool:
    """True if a process finds nothing in `store`, and so fetches; what it holds for that is given back."""
    asking = Host(store).ask()
    is_sending = asking.is_sending
    asking.answered(token)
    return is_sending


class TestEncryption:
    @pytest.fixture
    def secret(self) -> str:
        return "the-access-token"

    def contents(self, folder: Path) -> bytes:
        return b"".join(path.read_bytes() for path in folder.iterdir())

    def test_it_is_on(self, folder: Path, secret: str) -> None:
        Host(FileStore(folder)).ask().answered(secret)
        assert secret.encode() not in self.contents(folder)

    def test_it_can_be_switched_off(self, folder: Path, secret: str) -> None:
        """What is there is authentic all the same."""
        Host(FileStore(folder, encrypt=False)).ask().answered(secret)
        assert secret.encode() in self.contents(folder)
        assert Host(FileStore(folder, encrypt=False)).ask().token == secret
        (path,) = folder.glob("*.token")
        path.write_bytes(path.read_bytes().replace(secret.encode(), b"x" * len(secret)))
        assert fetched_anew(FileStore(folder, encrypt=False), secret)
        assert fetched_anew(FileStore(folder), secret)

    def test_a_key_of_your_own_is_changed_without_a_token_request(self, folder: Path, secret: str) -> None:
        """The first one writes, and all of them read."""
        old, new = "the old key, long enough", b"the new key, long enough"
        Host(FileStore(folder, encryption_key=old)).ask().answered(secret)
        assert Host(FileStore(folder, encryption_key=[new, old])).ask().token == secret
        assert fetched_anew(FileStore(folder, encryption_key=new), secret)
        assert fetched_anew(FileStore(folder), secret)

    @pytest.mark.parametrize("key", ["short", [], b"", ["long enough for this", "short"]])
    def test_a_short_key_is_refused(self, folder: Path, key: Any) -> None:
        with pytest.raises(ConfigurationError, match="encryption_key must have at least 16 bytes"):
            FileStore(folder, encryption_key=key)

    @pytest.mark.parametrize("key", [1, [1]])
    def test_so_is_what_is_no_key(self, folder: Path, key: Any) -> None:
        with pytest.raises(ConfigurationError, match="encryption_key must be str or bytes, not int"):
            FileStore(folder, encryption_key=key)

    def test_encrypt_is_true_or_false(self, folder: Path) -> None:
        with pytest.raises(ConfigurationError, match="encrypt must be True or False"):
            FileStore(folder, encrypt="no")  # type: ignore[arg-type]


def test_a_directory_that_is_no_path() -> None:
    with pytest.raises(ConfigurationError, match="directory must be a path, not int"):
        FileStore(1)  # type: ignore[arg-type]


@pytest.mark.parametrize(("missing", "settings"), [("filelock", {}), ("cryptography", {}), ("platformdirs", {})])
def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str, settings: Any) -> None:
    """The message names a command that installs it."""
    name = "cryptography.hazmat.primitives.ciphers.aead" if missing == "cryptography" else missing
    monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(ConfigurationError) as caught:
        FileStore(**settings)
    assert str(caught.value).startswith(f"FileStore needs {missing}; python -m pip install filelock platformdirs")
