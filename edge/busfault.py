"""Keeps a process alive when a disk fails under a mapped file.

A write into a mapping is no system call, so the disk's error cannot come back from it: where the kernel
cannot give the page (the file system was shut down after an error, went read-only, or somebody cut the file
short), it sends SIGBUS to the thread that writes, and the process is gone. Here the handler puts zeroed
memory where the mapping was, the write goes on into that, and the writer finds `broken` set when it looks.
Wayland's libwayland does the same for memory that its clients share.

The handler is Python: the fault comes out of a copy made with the interpreter's lock held, never out of an
allocation, so running a few bytecodes in it is as safe as in any callback. On anything but Linux nothing is
watched.
"""

import ctypes
import mmap
import signal
import sys
from collections.abc import Callable
from typing import Final

_MAP_FIXED: Final = 0x10
_SA_SIGINFO: Final = 4


class _SigInfo(ctypes.Structure):
    """The head of Linux's siginfo_t on 64 bits."""

    _fields_ = [
        ("si_signo", ctypes.c_int),
        ("si_errno", ctypes.c_int),
        ("si_code", ctypes.c_int),
        ("padding", ctypes.c_int),
        ("si_addr", ctypes.c_size_t),
    ]


_Handler: Final = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(_SigInfo), ctypes.c_void_p)


class _SigAction(ctypes.Structure):
    """struct sigaction of glibc and musl."""

    _fields_ = [
        ("sa_sigaction", _Handler),
        ("sa_mask", ctypes.c_ubyte * 128),
        ("sa_flags", ctypes.c_int),
        ("sa_restorer", ctypes.c_void_p),
    ]


class Watched:
    """One mapping. `broken` is True from the moment when its pages are no longer the file's.

    `content` gives what the memory in its place is to hold, by reading and not through the mapping; without
    it, zeros. It may raise nothing.
    """

    __slots__ = ("address", "broken", "content", "size")

    def __init__(self, mapping: mmap.mmap, content: Callable[[], bytes] = bytes) -> None:
        anchor = ctypes.c_char.from_buffer(mapping)
        self.address = ctypes.addressof(anchor)
        self.size = len(mapping)
        self.content = content
        self.broken = False
        _watched[self.address] = self

    def forget(self) -> None:
        """Call it before the mapping is closed."""
        _watched.pop(self.address, None)


_watched: Final[dict[int, Watched]] = {}


def _on_fault(_: int, info: "ctypes._Pointer[_SigInfo]", __: int | None) -> None:
    address = info.contents.si_addr
    for watched in tuple(_watched.values()):
        if watched.address <= address < watched.address + watched.size and _replace(watched):
            watched.broken = True
            return
    # Not ours, or no memory is left: the write is tried again, and ends the process as it would have.
    _libc.signal(signal.SIGBUS, None)


def _replace(watched: Watched) -> bool:
    content = watched.content()[: watched.size]
    got = _libc.mmap(
        watched.address,
        watched.size,
        mmap.PROT_READ | mmap.PROT_WRITE,
        mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED,
        -1,
        0,
    )
    if got != watched.address:
        return False
    ctypes.memmove(watched.address, content, len(content))
    return True


# PyDLL keeps the interpreter's lock over a call.
_libc: Final = ctypes.PyDLL(None)
_handler: Final = _Handler(_on_fault)


def install() -> None:
    """Once per process, before the first mapping is written to."""
    if sys.platform != "linux":
        return
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    _libc.signal.restype = ctypes.c_void_p
    _libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    action = _SigAction(_handler, (ctypes.c_ubyte * 128)(), _SA_SIGINFO, None)
    if _libc.sigaction(int(signal.SIGBUS), ctypes.byref(action), None) != 0:
        raise OSError("The handler for SIGBUS could not be installed.")
