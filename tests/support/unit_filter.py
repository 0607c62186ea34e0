#!/usr/bin/python3
"""Runs a program under the system call filter of orderwatch.service, where no systemd runs:

    unit_filter.py [--kill] [--root FOLDER] [--user NAME] PROGRAM ARGUMENT...

SystemCallFilter=, RestrictAddressFamilies= and MemoryDenyWriteExecute= as systemd turns them into a seccomp filter. A
system call that is not allowed fails with EPERM, as SystemCallErrorNumber= says; with --kill it ends the program, so that one
that tries is seen. With --root in another system, with --user as that system's user NAME.
"""
import argparse
import errno
import mmap
import os
import pathlib
import re
import subprocess
import sys

import seccomp

UNIT = (pathlib.Path(__file__).resolve().parents[2] / "packaging/systemd/orderwatch.service").read_text(encoding="utf-8")
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}


def settings(name):
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


def call_sets():
    """{@set: its lines}, as systemd knows them."""
    text = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True,
                          env={"PATH": os.environ["PATH"], "TERM": "dumb"}).stdout
    sets, current = {}, None
    for line in text.splitlines():
        if line.startswith("@"):
            current = sets.setdefault(line.strip(), [])
        elif current is not None and line.startswith("    ") and not line.strip().startswith("#"):
            current.append(line.strip())
    return sets


def expand(words, sets):
    calls = set()
    for word in words:
        calls |= expand(sets[word], sets) if word.startswith("@") else {word}
    return calls


def allowed_calls():
    sets = call_sets()
    calls = expand(["@default"], sets)
    for line in settings("SystemCallFilter"):
        words = expand(line.lstrip("~").split(), sets)
        calls = calls - words if line.startswith("~") else calls | words
    return calls | expand(["@default"], sets)


def resolvable(names):
    """Other architectures have calls that this one does not."""
    for name in sorted(names):
        if seccomp.resolve_syscall(seccomp.Arch(), name) >= 0:
            yield name


def load(allowed, kills):
    """The narrow one last: it does not allow a further filter."""
    refuse = seccomp.KILL_PROCESS if kills else seccomp.ERRNO(errno.EPERM)
    arguments = seccomp.SyscallFilter(seccomp.ALLOW)
    families = {FAMILIES[word] for line in settings("RestrictAddressFamilies") for word in line.split()}
    for family in set(range(64)) - families:
        arguments.add_rule(seccomp.ERRNO(errno.EAFNOSUPPORT), "socket", seccomp.Arg(0, seccomp.EQ, family))
    if settings("MemoryDenyWriteExecute") == ["yes"]:
        both = mmap.PROT_WRITE | mmap.PROT_EXEC
        arguments.add_rule(refuse, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, both))
        arguments.add_rule(refuse, "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, mmap.PROT_EXEC, mmap.PROT_EXEC))
    arguments.load()
    calls = seccomp.SyscallFilter(refuse)
    for name in resolvable(allowed):
        calls.add_rule(seccomp.ALLOW, name)
    if kills and os.getuid() == 0:  # SQLite does that as root alone, which the unit's user is not
        calls.add_rule(seccomp.ERRNO(errno.EPERM), "fchown")
    calls.load()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--root")
    parser.add_argument("--user")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    allowed = allowed_calls()
    if options.root:
        os.chroot(options.root)
        os.chdir("/")
    if options.user:
        fields = next(line.split(":") for line in pathlib.Path("/etc/passwd").read_text(encoding="utf-8").splitlines()
                      if line.startswith(f"{options.user}:"))
        os.setgroups([])
        os.setresgid(*[int(fields[3])] * 3)
        os.setresuid(*[int(fields[2])] * 3)
        os.umask(0o077)
    load(allowed, options.kill)
    os.execv(options.program[0], options.program)


if __name__ == "__main__":
    main()
