"""Disks that can be filled, frozen and broken, for tests that run as root on Linux."""

import contextlib
import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

_EXT4_SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN of the kernel's fs/ext4/ext4.h."""
_NO_LOG_FLUSH = 2
"""Nothing that is still in memory reaches the disk: what a power cut does."""


def run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own in memory."""
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder)
    try:
        yield folder
    finally:
        run("umount", "-l", folder)


class Ext4:
    """A real ext4 on a loop device over a file."""

    def __init__(self, folder: Path, megabytes: int = 100) -> None:
        folder.mkdir()
        self._image = folder / "image"
        self.path = folder / "disk"
        self.path.mkdir()
        with self._image.open("wb") as file:
            file.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", self._image)
        self._device = run("losetup", "--show", "--find", self._image)
        run("mount", self._device, self.path)

    def break_down(self) -> None:
        """From here on everything that asks the device is EIO, and what was not synced is lost."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _EXT4_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def turn_read_only(self) -> None:
        """What ext4 does by itself after an error in its metadata: everything that writes is EROFS."""
        run("mount", "-o", "remount,abort", self.path)

    def mend(self) -> None:
        """After break_down, when nobody uses it: the journal is replayed as after a power cut."""
        run("umount", self.path)
        run("mount", self._device, self.path)

    def remove(self) -> None:
        run("umount", "-l", self.path)
        run("losetup", "-d", self._device)
        self._image.unlink()
