#!/usr/bin/python3
"""lumen_core.h compiles alone: C99, C11, C++98 to C++20, gcc and clang, warnings as errors; and as
a module for Swift and Objective-C. A compiler that is not here is skipped, loudly.

Usage: header_test.py HEADER CC..."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-Wstrict-prototypes", "-Wundef", "-Wshadow"]


def compiles(command, source, header, flags):
    include = os.path.dirname(header)
    done = subprocess.run(command + flags + ["-I", include, "-fsyntax-only", source], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    ok = done.returncode == 0
    print(f"{'ok    ' if ok else 'FAILED'} {' '.join(command)} {' '.join(flags)}")
    if not ok:
        print(done.stdout)
    return ok


def module(header):
    clang = shutil.which("clang")
    if not clang:
        print("skipped: no clang for the module map")
        return True
    with tempfile.TemporaryDirectory() as scratch:
        source = os.path.join(scratch, "use.m")
        with open(source, "w", encoding="utf-8") as file:
            file.write("@import LumenCore;\nint main(void) { return lumen_abi_version() == 0; }\n")
        return compiles([clang], source, header,
                        ["-fmodules", f"-fmodules-cache-path={scratch}", "-Werror",
                         "-fmodule-map-file=" + os.path.join(ROOT, "clients/apple/module.modulemap")])


def main():
    header, compiler = os.path.abspath(sys.argv[1]), sys.argv[2:]
    c_warnings = WARNINGS
    cpp_warnings = [w for w in WARNINGS if w != "-Wstrict-prototypes"]
    ok = True
    for standard in ["c99", "c11"]:
        ok &= compiles(compiler, os.path.join(HERE, "header.c"), header, [f"-std={standard}"] + c_warnings)
    for name in ["g++", "clang++"]:
        if not shutil.which(name):
            print(f"skipped: no {name}")
            continue
        for standard in ["c++98", "c++11", "c++20"]:
            ok &= compiles([name], os.path.join(HERE, "header.cpp"), header,
                           [f"-std={standard}"] + cpp_warnings)
    ok &= module(header)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
