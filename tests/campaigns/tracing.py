"""Watching, stopping and bending the file calls of a forked child (Linux on x86-64, `ptrace`).

The child runs an action; the parent sees every system call that changes a file or puts it on
disk, before it is carried out, and says what becomes of it: it goes on, it is left out as if it
had worked, it fails, or the process is killed with SIGKILL there. Needs no tool beside Python.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

_TRACEME, _CONTINUE, _GETREGS, _SETREGS, _SYSCALL, _SETOPTIONS = 0, 7, 12, 13, 24, 0x4200
_OPTIONS = 0x0010_0001  # mark stops at system calls; kill the child when the tracer dies
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_AT_FDCWD = -100
_O_CREAT = os.O_CREAT

# Numbers of x86-64, and which argument is the descriptor or the path.
_CALLS = {
    1: "write",
    18: "pwrite64",
    20: "writev",
    74: "fsync",
    75: "fdatasync",
    76: "truncate",
    77: "ftruncate",
    82: "rename",
    83: "mkdir",
    84: "rmdir",
    87: "unlink",
    257: "openat",
    263: "unlinkat",
    264: "renameat",
    285: "fallocate",
    316: "renameat2",
    2: "open",
}
_BY_DESCRIPTOR = frozenset({"write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate"})
# Where the path stands among the arguments.
_PATHS = {"rename": (0, 1), "unlink": (0,), "open": (0,), "mkdir": (0,), "rmdir": (0,)} | {
    "openat": (1,),
    "unlinkat": (1,),
    "renameat": (1, 3),
    "renameat2": (1, 3),
    "truncate": (0,),
}

SUPPORTED = sys.platform == "linux" and platform.machine() == "x86_64"


class _Registers(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_ulonglong)
        for name in (
            "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags "
            "rsp ss fs_base gs_base ds es fs gs"
        ).split()
    ]


_library = ctypes.CDLL(None, use_errno=True)
_library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def _ptrace(request: int, process: int, data: object = None) -> None:
    if _library.ptrace(request, process, None, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@dataclass(frozen=True, slots=True)
class Call:
    """A system call about to happen.

    Attributes
    ----------
    number : int
        Counted from 0 over the calls that were shown.
    name : str
    path : str
        The file; of a rename, the old name.
    target : str
        The new name of a rename.
    offset, length : int
        Of a write. A truncation's length; of an opening, 1 when it empties the file.
    data : bytes
        What is written, when it was asked for.
    creates : bool
        Whether an opening may make the file.
    """

    number: int
    name: str
    path: str
    target: str = ""
    offset: int = -1
    length: int = 0
    data: bytes = b""
    creates: bool = False


GO, KILL, DROP = "go", "kill", "drop"
# What becomes of a call: one of the words above, or the number of the error it fails with.
Verdict = str | int


def traced(
    action: Callable[[], object],
    decide: Callable[[Call], Verdict],
    *,
    shown: Callable[[str], bool],
    contents: bool = False,
) -> int:
    """Run an action in a child and decide on each of its file calls.

    Parameters
    ----------
    action : callable
    decide : callable
        Given a `Call`, what becomes of it.
    shown : callable
        Given a path, whether calls on it are decided on at all.
    contents : bool
        Whether written bytes are read.

    Returns
    -------
    int
        The exit code; negative the signal that ended the child.
    """
    child = os.fork()
    if child == 0:
        code = 70
        try:
            _ptrace(_TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            action()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.waitpid(child, 0)
    _ptrace(_SETOPTIONS, child, _OPTIONS)
    number, entering, result = 0, True, None
    registers = _Registers()
    delivered = 0
    while True:
        _ptrace(_SYSCALL, child, delivered)
        delivered = 0
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            return os.waitstatus_to_exitcode(status)
        stopped_by = os.WSTOPSIG(status)
        if stopped_by != _SYSCALL_STOP:
            delivered = 0 if stopped_by == signal.SIGTRAP else stopped_by
            continue
        if not entering:
            entering = True
            if result is not None:
                _ptrace(_GETREGS, child, ctypes.byref(registers))
                registers.rax = result & 0xFFFF_FFFF_FFFF_FFFF
                _ptrace(_SETREGS, child, ctypes.byref(registers))
                result = None
            continue
        entering = False
        _ptrace(_GETREGS, child, ctypes.byref(registers))
        if registers.orig_rax not in _CALLS:
            continue
        call = _read(child, registers, number, contents)
        if call is None or not (shown(call.path) or (call.target and shown(call.target))):
            continue
        number += 1
        verdict = decide(call)
        if verdict == KILL:
            os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if verdict != GO:
            # No such call: the kernel does nothing, and the answer is put in on the way out.
            registers.orig_rax = 0xFFFF_FFFF_FFFF_FFFF
            _ptrace(_SETREGS, child, ctypes.byref(registers))
            result = -verdict if isinstance(verdict, int) else _success(call)


def _success(call: Call) -> int:
    return call.length if call.name in ("write", "pwrite64", "writev") else 0


def _read(child: int, registers: _Registers, number: int, contents: bool) -> Call | None:
    name = _CALLS[registers.orig_rax]
    arguments = (registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8)
    if name in _BY_DESCRIPTOR or name == "fallocate":
        try:
            path = os.readlink(f"/proc/{child}/fd/{arguments[0]}")  # noqa: PTH115
        except OSError:
            return None
        if name in ("write", "pwrite64"):
            return Call(
                number,
                name,
                path,
                offset=arguments[3] if name == "pwrite64" else _position(child, arguments[0]),
                length=arguments[2],
                data=_memory(child, arguments[1], arguments[2]) if contents else b"",
            )
        return Call(number, name, path, length=arguments[1] if name == "ftruncate" else 0)
    paths = [_text(child, arguments[place]) for place in _PATHS[name]]
    flags = arguments[2 if name == "openat" else 1] if name in ("open", "openat") else 0
    return Call(
        number, name, paths[0], target=paths[1] if len(paths) > 1 else "",
        creates=bool(flags & _O_CREAT), length=int(bool(flags & os.O_TRUNC)),
    )  # fmt: skip


def _position(child: int, descriptor: int) -> int:
    with open(f"/proc/{child}/fdinfo/{descriptor}", encoding="ascii") as info:  # noqa: PTH123
        return int(info.readline().partition(":")[2])


def _memory(child: int, address: int, length: int) -> bytes:
    with open(f"/proc/{child}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        memory.seek(address)
        return memory.read(length)


def _text(child: int, address: int) -> str:
    found = b""
    while b"\0" not in found:
        # Up to the end of the page: the next one need not be there.
        found += _memory(child, address + len(found), 4096 - (address + len(found)) % 4096)
    return os.fsdecode(found.partition(b"\0")[0])
