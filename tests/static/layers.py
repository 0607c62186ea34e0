#!/usr/bin/python3
"""The direction of dependence, enforced (README, "How the source is laid out").

core    includes core/… and libc only; cJSON in json.c alone, xxhash.h (header-only) in hash.c alone; it never
        reads a clock, a file, the environment or a socket, and prints nothing.
headers name no third-party header.
edge    one third-party family a file, libuv besides; the simulator and what joins the parts as well.
cli     talks to the daemon over HTTP, never to the store.
Also the size limits of README: .c 500 lines, .h 120.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIBC = set("""assert.h ctype.h endian.h errno.h float.h inttypes.h limits.h locale.h math.h pthread.h stdalign.h stdarg.h stdatomic.h
stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h time.h unistd.h""".split())
CORE_LIBC = LIBC - {"time.h", "unistd.h", "locale.h"}
FAMILIES = {
    "uv.h": "libuv", "curl": "libcurl", "mosquitto": "libmosquitto", "libesmtp": "libesmtp", "auth-client": "libesmtp",
    "sqlite3": "sqlite", "openssl": "openssl", "yaml.h": "libyaml", "gmime": "gmime", "glib": "gmime",
    "libical": "libical", "microhttpd": "libmicrohttpd", "systemd": "libsystemd", "jq.h": "libjq", "jv.h": "libjq",
    "cJSON": "cjson", "xxhash": "xxhash", "zlib": "zlib",
}
# libesmtp and libcurl hand TLS contexts around: their files may name OpenSSL too.
COMPANIONS = {frozenset({"libesmtp", "openssl"}), frozenset({"libcurl", "openssl"})}
FORBIDDEN_CALLS = re.compile(
    r"\b(time|clock_gettime|gettimeofday|localtime(?:_r)?|rand|random|srand|getenv|secure_getenv|fopen|socket|"
    r"v?f?printf|puts|fputs|putchar|perror|"
    r"strcpy|strcat|sprintf|gets|strtok|atoi|alloca|system|popen)\s*\(")
BANNED_EVERYWHERE = re.compile(r"\b(strcpy|strcat|sprintf|gets|strtok|atoi|alloca|system|popen|vsprintf)\s*\(")

problems = []


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def code_lines(path):
    """Lines without comments and strings."""
    text = re.sub(r'/\*.*?\*/', lambda m: "\n" * m.group(0).count("\n"), path.read_text(), flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
    return enumerate(text.splitlines(), 1)


def family(name):
    return next((value for key, value in FAMILIES.items() if key in name), None)


def say(path, number, text):
    problems.append(f"{path.relative_to(ROOT)}:{number}: {text}")


def check_core(path):
    allowed = {"json.c": "cJSON.h", "hash.c": "xxhash.h", "hash_wide.c": "xxhash.h"}.get(path.name)
    for number, kind, name in includes(path):
        own = kind == '"' and (name.startswith("core/") or "/" not in name)
        if not own and name not in CORE_LIBC and name != allowed and not name.endswith("/" + (allowed or "?")):
            say(path, number, f"core includes {name}; only core/…, libc, cJSON in json.c, xxhash.h in hash.c")
    for number, line in code_lines(path):
        match = FORBIDDEN_CALLS.search(line) if path.name != "base.c" else None  # it ends the program, with a word
        if match:
            say(path, number, f"core calls {match.group(1)}; time, files, randomness come in as arguments, and log.h is how it speaks")


def check_edge(path):
    families = {family(name) for _, kind, name in includes(path) if kind == "<"} - {None, "libuv", "zlib"}
    if len(families) > 1 and frozenset(families) not in COMPANIONS:
        say(path, 1, f"includes {', '.join(sorted(families))}; one library a file")


def check_cli(path):
    for number, _, name in includes(path):
        if name in ("edge/store.h", "sqlite3.h"):
            say(path, number, f"cli includes {name}; it asks the daemon over HTTP")


def check_header(path):
    for number, kind, name in includes(path):
        if kind == "<" and name not in LIBC:
            say(path, number, f"a header includes {name}; forward-declare instead")


def main():
    for path in sorted(ROOT.glob("src/core/*.[ch]")) + sorted(ROOT.glob("include/core/*.h")):
        check_core(path)
    for path in sorted(ROOT.glob("src/*.c")) + sorted(ROOT.glob("src/[es]*/*.c")):
        check_edge(path)
    for path in sorted(ROOT.glob("src/cli/*.c")):
        check_cli(path)
    for path in sorted(ROOT.glob("include/**/*.h")) + sorted(ROOT.glob("src/**/*.h")):
        check_header(path)
    for path in sorted(ROOT.glob("src/**/*.[ch]")) + sorted(ROOT.glob("include/**/*.h")):
        count = len(path.read_text().splitlines())
        limit = 500 if path.suffix == ".c" else 120
        if count > limit and path.name not in ("ports.h", "config.h", "record.h", "event.h"):
            say(path, count, f"{count} lines; at most {limit}: split it by jobs")
        for number, line in code_lines(path):
            match = BANNED_EVERYWHERE.search(line)
            if match:
                say(path, number, f"{match.group(1)} is banned")
    print("\n".join(problems) if problems else "layers: every include goes the right way")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
