#!/usr/bin/python3
"""loss-harness as it is called: output, messages, exit status. Usage: command_test.py PROGRAM"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROGRAM = sys.argv.pop(1)
QUICK = ["--frames", "60", "--loss", "1,5", "--burst", "1,10", "--code", "gamestream,gf8,gf16",
         "--parity", "10,30"]


def run(*arguments, stdout=subprocess.PIPE):
    return subprocess.run([PROGRAM, *arguments], text=True, stdout=stdout, stderr=subprocess.PIPE,
                          check=False, timeout=60)


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name, text=None):
        path = os.path.join(self.folder.name, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def test_table_and_verdict_are_printed(self):
        done = run(*QUICK)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("24 combinations, seed 1", done.stdout)
        self.assertIn("measured here and now", done.stdout)
        self.assertIn("The least parity tried", done.stdout)
        self.assertIn("5 % loss in bursts of 10", done.stdout)
        self.assertFalse([line for line in done.stdout.splitlines() if line != line.rstrip()])

    def test_same_seed_gives_the_same_output(self):
        for form in (["--json", "-"], []):
            first, second = (run(*QUICK, "--no-cpu", *form).stdout for _ in range(2))
            self.assertTrue(first)
            self.assertEqual(first, second)
            self.assertNotEqual(first, run(*QUICK, "--no-cpu", "--seed", "2", *form).stdout)

    def test_json_alone_is_on_standard_output(self):
        report = json.loads(run(*QUICK, "--json", "-").stdout)
        self.assertEqual(len(report["results"]), 24)
        row = report["results"][0]
        self.assertEqual((row["code"], row["layout"], row["frames"]), ("gamestream", "single", 60))
        self.assertIn("measured_send_ns", row)
        repeatable = json.loads(run(*QUICK, "--json", "-", "--no-cpu").stdout)
        self.assertFalse([key for key in repeatable["results"][0] if "measured" in key])

    def test_files_are_written(self):
        table, picture = self.path("out.json"), self.path("out.svg")
        self.assertEqual(run(*QUICK, "--json", table, "--svg", picture).returncode, 0)
        with open(table, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["seed"], 1)
        root = xml.etree.ElementTree.parse(picture).getroot()
        words = "".join(root.itertext())
        for wanted in ("GameStream", "gf16", "datagrams lost, %", "frames lost, % of all"):
            self.assertIn(wanted, words)
        self.assertNotIn("nan", words + xml.etree.ElementTree.tostring(root, "unicode"))

    def test_trace_gives_the_losses(self):
        trace = self.path("wlan.trace", "# recorded\n+ 95\n- 5\n")
        report = json.loads(run("--trace", trace, "--frames", "200", "--json", "-").stdout)
        for row in report["results"]:
            self.assertAlmostEqual(row["datagrams_lost"] / row["datagrams"], 0.05, delta=0.003)
        self.assertIn("in bursts of 5", run("--trace", trace, "--frames", "20").stdout)

    def test_wrong_arguments_end_with_2(self):
        bad = self.path("bad.trace", "+ 5\n* 3\n")
        empty = self.path("empty.trace", "")
        wide = ",".join(str(i) for i in range(1, 24))
        for arguments, told in (
                (["--no-such"], "no option --no-such"),
                (["--loss", "200"], "--loss: \"200\" is not a number from 0 to 50"),
                (["--code", "rs"], "none of gamestream"),
                (["stray"], "\"stray\" is no option"),
                (["--trace", bad], f"{bad}:2: \"* 3\" is no run"),
                (["--trace", empty], "no run in it"),
                (["--trace", "/nowhere"], "/nowhere: No such file"),
                (["--trace", self.folder.name], "Is a directory"),
                (["--loss", wide, "--burst", wide, "--parity", wide], "more than 10000")):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(told, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)

    def test_what_cannot_be_written_ends_with_1(self):
        small = ["--frames", "5", "--loss", "1", "--burst", "1"]
        for arguments, told in (
                (["--json", "/nowhere/x.json"], "/nowhere/x.json: No such file"),
                (["--svg", self.folder.name], "Is a directory"),
                (["--json", "/dev/full"], "/dev/full: No space left"),
                (["--svg", "/dev/full"], "/dev/full: No space left")):
            done = run(*small, *arguments)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertIn(told, done.stderr)
        for arguments in (small, small + ["--json", "-"], ["--help"], ["--version"]):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = run(*arguments, stdout=full)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertIn("standard output: No space left", done.stderr)

    def test_help_and_version_are_told(self):
        self.assertIn("Usage: loss-harness", run("--help").stdout)
        self.assertRegex(run("--version").stdout, r"^loss-harness \d")


if __name__ == "__main__":
    unittest.main()
