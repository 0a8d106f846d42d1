"""The kernel's means of confinement that Python has no names for, called through libc: mounts, Landlock, capabilities,
seccomp. Every function raises OSError with the name of the call that failed; none of them needs a compiled package.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterable
from contextlib import suppress

NEW_MOUNTS, NEW_UTS, NEW_IPC = 0x00020000, 0x04000000, 0x08000000
NEW_USER, NEW_PIDS, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000

READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _REC, _PRIVATE, _DETACH = 32, 4096, 16384, 1 << 18, 2
_LOCKED_FLAGS = READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC | 1024 | 2048  # the same bits in statvfs and in mount
_RELATIME_OF_STATVFS, _RELATIME = 4096, 1 << 21

_SET_PDEATHSIG, _SET_DUMPABLE, _CAPBSET_DROP, _SET_NO_NEW_PRIVS, _SET_SECCOMP = 1, 4, 24, 38, 22
_GET_SECCOMP, _SECCOMP_MODE_FILTER = 21, 2
_SYSCALLS = {"pivot_root": (155, 41), "capset": (126, 91)}
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_CAPABILITY_VERSION_3 = 0x20080522

# Landlock's rights, include/uapi/linux/landlock.h
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
READ_RIGHTS = _READ_FILE | _READ_DIR
DEVICE_RIGHTS = _READ_FILE | _WRITE_FILE
# Scratch: files, folders, symbolic links, moves and truncation; no devices, sockets or FIFOs.
SCRATCH_RIGHTS = READ_RIGHTS | _WRITE_FILE | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 12 | 1 << 13 | 1 << 14
_FS_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # number of rights that the ABI knows

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(namespaces: int) -> None:
    """Enter new namespaces."""
    _checked("unshare", _libc.unshare(ctypes.c_int(namespaces)))


def make_mounts_private() -> None:
    """Let no mount of this process reach another namespace."""
    _mount(None, "/", None, _REC | _PRIVATE, None)


def mount_tmpfs(target: str, options: str, flags: int = 0) -> None:
    """An empty file system in memory."""
    _mount("tmpfs", target, "tmpfs", NO_SUID | NO_DEVICES | flags, options)


def bind(source: str, target: str, read_only: bool = True) -> None:
    """Show `source` at `target`. Flags that the source's mount has locked must be repeated in a user namespace."""
    _mount(source, target, None, _BIND | _REC, None)
    found = os.statvfs(target).f_flag
    flags = found & _LOCKED_FLAGS | (_RELATIME if found & _RELATIME_OF_STATVFS else 0) | NO_SUID
    if read_only:
        _mount(None, target, None, flags | _REMOUNT | _BIND | READ_ONLY | NO_DEVICES, None)


def make_read_only(target: str) -> None:
    """Let nothing be written to a file system that was mounted with `mount_tmpfs`."""
    _mount(None, target, None, _REMOUNT | READ_ONLY | NO_SUID | NO_DEVICES, None)


def change_root(new_root: str) -> None:
    """Make a mount the root and take the old root away."""
    os.chdir(new_root)
    _syscall("pivot_root", b".", b".")
    _checked("umount2", _libc.umount2(b".", ctypes.c_int(_DETACH)))
    os.chdir("/")


def die_with_parent(signal: int) -> None:
    """Get `signal` when the thread that has forked this process ends."""
    _prctl(_SET_PDEATHSIG, signal)


def forbid_new_privileges() -> None:
    """No set-user-id programs; no core dumps, no tracing."""
    _prctl(_SET_NO_NEW_PRIVS, 1)
    _prctl(_SET_DUMPABLE, 0)


def drop_bounding_set() -> None:
    """Let no capability ever come back, where this process may say so."""
    with suppress(OSError):
        for capability in range(64):
            _prctl(_CAPBSET_DROP, capability)


def drop_capabilities() -> None:
    """Give up every capability."""
    header = struct.pack("<Ii", _CAPABILITY_VERSION_3, 0)
    _syscall("capset", header, bytes(24))


def has_seccomp() -> bool:
    """Whether the kernel knows seccomp."""
    return int(_libc.prctl(_GET_SECCOMP, 0, 0, 0, 0)) >= 0


def set_filter(instructions: bytes) -> None:
    """Put a seccomp filter (an array of struct sock_filter) on this process, for good."""
    code = ctypes.create_string_buffer(instructions, len(instructions))
    program = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(code))
    _prctl(_SET_SECCOMP, _SECCOMP_MODE_FILTER, program)


def landlock_abi() -> int:
    """The version of Landlock's interface; 0 where there is none."""
    return max(0, int(_libc.syscall(ctypes.c_long(_LANDLOCK_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint(1))))


def restrict_files(abi: int, rights_by_path: Iterable[tuple[str, int]]) -> None:
    """Leave this process only `rights` below each path, no TCP and no signals to others where `abi` has them.

    Comes after `forbid_new_privileges`.
    """
    known = (1 << _FS_RIGHTS_BY_ABI.get(abi, 16)) - 1
    attributes = struct.pack("<Q", known)
    if abi >= 4:
        attributes += struct.pack("<Q", 3)  # bind, connect
    if abi >= 6:
        attributes += struct.pack("<Q", 3)  # abstract sockets, signals
    ruleset = _checked("landlock", _libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE), attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0)
    ))  # fmt: skip
    try:
        for path, rights in rights_by_path:
            _add_rule(ruleset, path, rights & known)
        _checked("landlock", _libc.syscall(ctypes.c_long(_LANDLOCK_RESTRICT), ctypes.c_int(ruleset), ctypes.c_uint(0)))
    finally:
        os.close(ruleset)


def _add_rule(ruleset: int, path: str, rights: int) -> None:
    target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("<Qi", rights, target)
        arguments = ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0)
        _checked("landlock", _libc.syscall(ctypes.c_long(_LANDLOCK_ADD), *arguments))
    finally:
        os.close(target)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    _checked("mount", _libc.mount(*texts[:3], ctypes.c_ulong(flags), texts[3]))


def _prctl(option: int, value: int, pointer: bytes | None = None) -> None:
    third = ctypes.c_ulong(0) if pointer is None else pointer
    zero = ctypes.c_ulong(0)
    _checked("prctl", _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), third, zero, zero))


def _syscall(name: str, *arguments: bytes) -> None:
    number = _SYSCALLS[name][platform.machine() == "aarch64"]
    _checked(name, _libc.syscall(ctypes.c_long(number), *arguments))


def _checked(name: str, value: int) -> int:
    if value == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return value
