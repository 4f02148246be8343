#!/usr/bin/python3
"""scripts/abi_check.py finds each kind of break, and lets additions pass."""
import os
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CHECK = os.path.join(ROOT, "scripts", "abi_check.py")

# What is done to the header, whether it is a break, and what the check then names.
CASES = [
    ("nothing", [], None),
    ("a function goes", [("LUMEN_API uint32_t lumen_abi_version(void);", "")], "lumen_abi_version"),
    ("a parameter's type changes", [("lumen_session_wait(LumenSession *session, uint32_t",
                                     "lumen_session_wait(LumenSession *session, uint64_t")],
     "lumen_session_wait"),
    ("a result's type changes", [("int32_t lumen_host_poll_input", "int64_t lumen_host_poll_input")],
     "lumen_host_poll_input"),
    ("a parameter is added", [("lumen_get_stats(LumenSession *session,",
                               "lumen_get_stats(LumenSession *session, uint32_t which,")],
     "lumen_get_stats"),
    ("a parameter's name changes", [("lumen_abi_version(void)", "lumen_abi_version(void )"),
                                    ("lumen_session_wait(LumenSession *session, uint32_t timeout_ms)",
                                     "lumen_session_wait(LumenSession *it, uint32_t ms)")], None),
    ("members change places", [("uint32_t role;", "uint32_t other;"),
                               ("uint32_t phase;", "uint32_t role;"),
                               ("uint32_t other;", "uint32_t phase;")], "LumenConfig."),
    ("a member grows", [("uint8_t salt[4];", "uint8_t salt[8];")], "LumenConfig.salt"),
    ("a member's sign changes", [("int32_t value;", "uint32_t value;")], "LumenInputEvent.value"),
    ("a member comes in the middle", [("uint32_t encrypt;", "uint32_t more; uint32_t encrypt;")],
     "LumenConfig."),
    ("a member goes", [("uint64_t pts_ns;", "")], "pts_ns"),
    ("a struct without struct_size grows", [("uint64_t bytes_sent, bytes_received;",
                                             "uint64_t bytes_sent, bytes_received, more;")],
     "LumenStats"),
    ("a struct with struct_size grows", [("} LumenConfig;", "uint64_t more; } LumenConfig;")], None),
    ("a status changes", [("LUMEN_STATUS_IO = -5", "LUMEN_STATUS_IO = -50")], "LUMEN_STATUS_IO"),
    ("a constant changes", [("LUMEN_INPUT_TEXT = 6", "LUMEN_INPUT_TEXT = 7")], "LUMEN_INPUT_TEXT"),
    ("a constant goes", [("LUMEN_FRAME_RECOVERY UINT32_C(2)", "LUMEN_FRAME_OTHER UINT32_C(2)")],
     "LUMEN_FRAME_RECOVERY"),
    ("a function, a constant and a struct come",
     [("LUMEN_API uint32_t lumen_abi_version(void);",
       "LUMEN_API uint32_t lumen_abi_version(void);\nLUMEN_API void lumen_more(void);\n"
       "enum { LUMEN_MORE = 5 };\ntypedef struct LumenMore {\n    uint32_t more;\n} LumenMore;")],
     None),
    ("the minor version rises", [("UINT32_C(0x00010000)", "UINT32_C(0x00010001)")], None),
    ("the major version rises", [("UINT32_C(0x00010000)", "UINT32_C(0x00020000)")],
     "LUMEN_ABI_VERSION"),
]


def run_case(header, name, changes, expected):
    text = header
    for old, new in changes:
        if old not in text:
            return f"{name}: the header has no \"{old}\""
        text = text.replace(old, new, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lumen_core.h")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([sys.executable, CHECK, "--header", path], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("ABI break")]
    if expected is None:
        return None if done.returncode == 0 and not found else f"{name}: refused\n{done.stdout}"
    if done.returncode != 1 or not any(expected in line for line in found):
        return f"{name}: not found\n{done.stdout}"
    return None


def main():
    with open(os.path.join(ROOT, "include", "lumen_core.h"), encoding="utf-8") as file:
        header = file.read()
    problems = [problem for case in CASES if (problem := run_case(header, *case))]
    for problem in problems:
        print(problem)
    print(f"{len(CASES) - len(problems)} of {len(CASES)} cases as they should be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
