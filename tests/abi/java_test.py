#!/usr/bin/python3
"""The JNI shim compiles, and a Java program streams through it. Skipped without a JDK.

Usage: java_test.py LIBRARY CC..."""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ANDROID = os.path.join(ROOT, "clients", "android")


def java_home():
    compiler = shutil.which("javac")
    for home in [os.environ.get("JAVA_HOME"),
                 compiler and os.path.dirname(os.path.dirname(os.path.realpath(compiler)))]:
        if home and os.path.exists(os.path.join(home, "include", "jni.h")):
            return home
    return None


def run(command, env=None):
    print("$ " + " ".join(command), flush=True)
    subprocess.run(command, env=env, check=True, timeout=100)


def main():
    library, compiler = os.path.abspath(sys.argv[1]), sys.argv[2:]
    home = java_home()
    if not home:
        print("SKIP: no JDK with jni.h (JAVA_HOME, or javac on the path)")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        shim = os.path.join(scratch, "liblumen-jni.so")
        folder = os.path.dirname(library)
        include = os.path.join(home, "include")
        run(compiler + ["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                        "-I", os.path.join(ROOT, "include"), "-isystem", include,
                        "-isystem", os.path.join(include, "linux"),
                        os.path.join(ANDROID, "lumen_jni.c"), library, "-o", shim])
        tool = os.path.join(home, "bin", "javac")
        if not os.path.exists(tool):
            print("SKIP: the shim compiles; no javac to run it with")
            return 77
        run([tool, "-Xlint:all", "-Werror", "-d", scratch,
             os.path.join(ANDROID, "org/lumen/core/LumenSession.java"),
             os.path.join(ANDROID, "Demo.java")])
        run([os.path.join(home, "bin", "java"), "-Xcheck:jni", f"-Djava.library.path={scratch}",
             "-cp", scratch, "Demo"], dict(os.environ, LD_LIBRARY_PATH=folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
