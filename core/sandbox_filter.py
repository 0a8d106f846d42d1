"""The seccomp filter of a sandboxed program: what a calculation needs is allowed, every other system call fails.

A list of what is allowed ages better than one of what is forbidden: calls that a newer kernel adds fail. Most of them
fail with EPERM, so that Python raises; those that no calculation meets by accident end the program ("blocked").
There are no processes and no threads in it: fork, clone and exec fail. Numbers are those of <asm/unistd_64.h> (x86-64)
and <asm-generic/unistd.h> (aarch64); BPF as in Documentation/userspace-api/seccomp_filter.rst.
"""

import errno
import struct

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; the low half of an argument comes first
_X32 = 0x40000000
_OWN_PID = 0x0BADC0DE  # stands for the program's process id until `filter_for` knows it

# name: (x86-64, aarch64); None where the architecture has no such call
_ALLOWED = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "pwrite64": (18, 68), "preadv": (295, 69), "pwritev": (296, 70), "open": (2, None), "openat": (257, 56),
    "close": (3, 57), "close_range": (436, 436), "stat": (4, None), "fstat": (5, 80), "lstat": (6, None),
    "newfstatat": (262, 79), "statx": (332, 291), "statfs": (137, 43), "fstatfs": (138, 44), "access": (21, None),
    "faccessat": (269, 48), "faccessat2": (439, 439), "lseek": (8, 62), "getdents": (78, None),
    "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50), "readlink": (89, None),
    "readlinkat": (267, 78), "sendfile": (40, 71), "copy_file_range": (326, 285),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "mremap": (25, 216),
    "madvise": (28, 233), "msync": (26, 227),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "rt_sigpending": (127, 136), "rt_sigsuspend": (130, 133), "rt_sigtimedwait": (128, 137), "alarm": (37, None),
    "getitimer": (36, 102), "setitimer": (38, 103), "pause": (34, None), "restart_syscall": (219, 128),
    "pipe": (22, None), "pipe2": (293, 59), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "flock": (73, 32),
    "fsync": (74, 82), "fdatasync": (75, 83),
    "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173), "getpgrp": (111, None), "getpgid": (121, 155),
    "getsid": (124, 156), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getresuid": (118, 148), "getresgid": (120, 150), "getgroups": (115, 158), "getrlimit": (97, 163),
    "getrusage": (98, 165), "times": (100, 153), "sysinfo": (99, 179), "uname": (63, 160), "umask": (95, 166),
    "getpriority": (140, 141), "sched_getaffinity": (204, 123), "getcpu": (309, 168), "sched_yield": (24, 124),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "gettimeofday": (96, 169), "time": (201, None),
    "futex": (202, 98), "set_robust_list": (273, 99), "set_tid_address": (218, 96), "rseq": (334, 293),
    "membarrier": (324, 283), "getrandom": (318, 278), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
# Only where the program has a file system of its own: Landlock does not govern modes and times of files.
_ALLOWED_IN_SCRATCH = {
    "truncate": (76, 45), "ftruncate": (77, 46), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None),
    "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38),
    "renameat2": (316, 276), "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "utime": (132, None),
    "utimes": (235, None), "utimensat": (280, 88), "futimesat": (261, None),
}  # fmt: skip
# Only with one of these values in one argument: name: ((x86-64, aarch64), argument, values).
_ALLOWED_WITH = {
    "kill": ((62, 129), 0, (_OWN_PID,)),
    "tgkill": ((234, 131), 0, (_OWN_PID,)),
    "prlimit64": ((302, 261), 0, (0,)),  # of itself
    "ioctl": ((16, 29), 1, (0x5401, 0x5413, 0x5451)),  # TCGETS, TIOCGWINSZ, FIOCLEX
    "fcntl": ((72, 25), 1, (0, 1, 2, 3, 4, 5, 6, 7, 1030)),  # F_DUPFD to F_SETLKW, F_DUPFD_CLOEXEC: no F_SETOWN
}
_FATAL = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsmount": (432, 432), "unshare": (272, 97), "setns": (308, 268),
    "bpf": (321, 280), "perf_event_open": (298, 241), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "iopl": (172, None), "ioperm": (173, None), "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440), "memfd_secret": (447, 447),
}  # fmt: skip


def filter_template(machine: str, has_scratch: bool) -> bytes:
    """The filter as an array of struct sock_filter, for any process; KeyError where `machine` is not in AUDIT_ARCH."""
    arch, column = AUDIT_ARCH[machine], list(AUDIT_ARCH).index(machine)
    code = [
        _instruction(_LOAD, _ARCH),
        _instruction(_JUMP_EQUAL, arch, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        code += [_instruction(_JUMP_AT_LEAST, _X32, 0, 1), _instruction(_RETURN, _KILL)]
    verdicts = [(_ALLOWED, _ALLOW), (_FATAL, _KILL)] + [(_ALLOWED_IN_SCRATCH, _ALLOW)] * has_scratch
    for numbers, verdict in verdicts:
        for number in (pair[column] for pair in numbers.values()):
            if number is not None:
                code += [_instruction(_JUMP_EQUAL, number, 0, 1), _instruction(_RETURN, verdict)]
    for pair, argument, values in _ALLOWED_WITH.values():
        code += _allowed_with(pair[column], argument, values)
    code.append(_instruction(_RETURN, _ERRNO | errno.EPERM))
    return b"".join(code)


def filter_for(template: bytes, pid: int) -> bytes:
    """The filter of the process `pid`, which may send signals to itself."""
    return template.replace(struct.pack("<I", _OWN_PID), struct.pack("<I", pid))


def _allowed_with(number: int, argument: int, values: tuple[int, ...]) -> list[bytes]:
    """Allow the call where the low 32 bits of an argument are one of `values`: kernel types of all five are 32 bits."""
    checks = [_instruction(_LOAD, _ARGUMENTS + 8 * argument)]
    for value in values:
        checks += [_instruction(_JUMP_EQUAL, value, 0, 1), _instruction(_RETURN, _ALLOW)]
    checks.append(_instruction(_RETURN, _ERRNO | errno.EPERM))
    return [_instruction(_JUMP_EQUAL, number, 0, len(checks)), *checks]


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, operand)
