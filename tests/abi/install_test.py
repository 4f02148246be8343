#!/usr/bin/python3
"""What is installed is enough: installs into a scratch folder, builds the example against it through
pkg-config, shared and static, and runs both.

Usage: install_test.py BUILD_ROOT CC..."""
import glob
import os
import subprocess
import sys
import tempfile

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "c", "example.c")


def run(command, env=None):
    done = subprocess.run(command, env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    print("$ " + " ".join(command))
    if done.stdout:
        print(done.stdout.rstrip())
    if done.returncode:
        sys.exit(f"failed: {done.returncode}")
    return done.stdout


def one(pattern):
    found = glob.glob(pattern, recursive=True)
    if len(found) != 1:
        sys.exit(f"{pattern}: {len(found)} files")
    return found[0]


def main():
    build, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as root:
        run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root,
             "--tags", "devel,runtime"])
        one(f"{root}/**/include/lumen_core.h")
        library = os.path.dirname(one(f"{root}/**/liblumen-core.so.1"))
        one(f"{library}/liblumen-core.so")
        archive = one(f"{library}/liblumen-core.a")
        pc = os.path.dirname(one(f"{root}/**/lumen-core.pc"))
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root,
                   PKG_CONFIG_PATH=pc + ":" + os.environ.get("PKG_CONFIG_PATH", ""))
        flags = run(["pkg-config", "--cflags", "--libs", "lumen-core"], env).split()
        # The sysroot is put in front of what other packages say, too: harmless, they are found
        # where the compiler looks anyway.
        shared, static = os.path.join(root, "shared"), os.path.join(root, "static")
        strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
        run(compiler + strict + [EXAMPLE] + flags + ["-o", shared])
        run([shared], dict(os.environ, LD_LIBRARY_PATH=library))
        cflags = run(["pkg-config", "--cflags", "lumen-core"], env).split()
        libs = run(["pkg-config", "--static", "--libs", "lumen-core"], env).split()
        libs = [archive if flag == "-llumen-core" else flag for flag in libs]
        run(compiler + strict + [EXAMPLE] + cflags + libs + ["-o", static])
        run([static])
        needed = run(["readelf", "-d", static])
        if "liblumen-core" in needed:
            sys.exit("the static program needs the shared library")


if __name__ == "__main__":
    main()
