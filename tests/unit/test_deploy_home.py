"""The data folder: private, locked, and clear about what is wrong with it."""

import errno
import os
from pathlib import Path

import pytest

from deploy import home as module
from deploy.errors import SetupError
from deploy.home import Home, explain, read_assignments, write_private


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    secrets = home.secrets()
    assert set(secrets) == set(module.SECRETS)
    assert len(set(secrets.values())) == len(secrets)
    assert all(len(text) >= 32 for text in secrets.values())
    assert (home.path / "secrets").stat().st_mode & 0o777 == 0o600
    assert Home(home.path).secrets() == secrets


def test_secrets_that_others_can_read_are_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.secrets()
    (tmp_path / "secrets").chmod(0o644)
    with pytest.raises(SetupError, match=r"can be read by other users. Run: chmod 600"):
        home.secrets()


def test_a_new_secret_joins_those_of_an_older_version(tmp_path: Path) -> None:
    write_private(tmp_path / "secrets", ["SECRET_KEY=kept"])
    secrets = Home(tmp_path).secrets()
    assert secrets["SECRET_KEY"] == "kept"
    assert secrets["VALKEY_PASSWORD"]


def test_two_at_once(tmp_path: Path) -> None:
    first = Home(tmp_path)
    first.lock()
    with pytest.raises(SetupError) as caught:
        Home(tmp_path).lock()
    assert f"already running on {tmp_path} (process {os.getpid()})" in str(caught.value)
    first.unlock()
    again = Home(tmp_path)
    again.lock()
    again.unlock()


@pytest.mark.parametrize("made_before", [False, True])
def test_the_lock_is_private(tmp_path: Path, made_before: bool) -> None:
    if made_before:
        (tmp_path / "lock").touch()
        (tmp_path / "lock").chmod(0o644)
    home = Home(tmp_path)
    home.lock()
    home.unlock()
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(SetupError, match="is a file, not a folder"):
        Home(tmp_path / "home").create()


def test_a_nearly_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALLEST_FREE", 1 << 60)
    with pytest.raises(SetupError, match=r"nearly full: .* Free some space there, or set SCANWAY_HOME"):
        Home(tmp_path).create()


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "is full, so making it failed. Free some space"),
        (errno.EROFS, "cannot be written by this user"),
        (errno.EACCES, "cannot be written by this user"),
        (errno.EIO, "Making it failed at /data: Input/output error."),
    ],
)
def test_a_failed_write_is_a_sentence(number: int, sentence: str) -> None:
    assert sentence in str(explain(OSError(number, os.strerror(number)), Path("/data"), "making it"))


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, ["A=1", "B=two=2"])
    write_private(path, ["A=1", "B=two=2"])
    assert read_assignments(path) == {"A": "1", "B": "two=2"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
