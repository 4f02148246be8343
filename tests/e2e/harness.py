"""Starts lumen-host with a state of its own and drives it with lumen-client, on the real stack."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("LUMEN_BUILD") or sys.exit("LUMEN_BUILD is not set: run through meson test")
HOST = os.path.join(BUILD, "src", "host", "lumen-host")
CLIENT = os.path.join(BUILD, "src", "client", "lumen-client")
CLOCK = os.path.join(BUILD, "tools", "painted-clock", "painted-clock")
SKIP = 77


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def skip(reason):
    print(f"SKIP: {reason}", flush=True)
    sys.exit(SKIP)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip(f"{program} is not installed")


def wait_until(what, seconds, probe, interval=0.05):
    """Waits for an event that has no descriptor to wait on; fails with `what` at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(interval)


def free_base_port():
    """A base port whose whole family of ports is free now."""
    for base in range(21000 + os.getpid() % 500 * 60, 62000, 60):
        with contextlib.ExitStack() as stack:
            try:
                for kind, offset in ((socket.SOCK_STREAM, -5), (socket.SOCK_STREAM, 0),
                                     (socket.SOCK_STREAM, 21), (socket.SOCK_DGRAM, 9),
                                     (socket.SOCK_DGRAM, 10), (socket.SOCK_DGRAM, 11)):
                    sock = stack.enter_context(socket.socket(socket.AF_INET, kind))
                    sock.bind(("0.0.0.0", base + offset))
                return base
            except OSError:
                continue
    raise Failure("no free ports")


class Host:
    def __init__(self, config="", options=(), keep=False):
        self.dir = tempfile.mkdtemp(prefix="lumen-e2e-")
        self.port = free_base_port()
        self.trace = os.path.join(self.dir, "trace.jsonl")
        self.log_path = os.path.join(self.dir, "host.log")
        self.runtime = os.path.join(self.dir, "rt")
        self.marker = f"LUMEN_TEST={os.path.basename(self.dir)}"
        with open(os.path.join(self.dir, "lumen.conf"), "w", encoding="utf-8") as file:
            file.write(f"[host]\nport = {self.port}\ndiscovery = no\nlog_level = debug\n{config}")
        self.common = ["--config", os.path.join(self.dir, "lumen.conf"), "--state",
                       os.path.join(self.dir, "state"), "--runtime", self.runtime]
        self.options = list(options)
        self.process = None
        self.start()

    def start(self):
        name, value = self.marker.split("=")
        env = dict(os.environ, **{name: value})
        before = self.log().count("is ready") if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [HOST] + self.common + ["--trace", self.trace] + self.options,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        wait_until("the host is ready", 10, lambda: self.log().count("is ready") > before or
                   (self.process.poll() is not None and self.fail("the host ended at once")))

    def fail(self, why):
        raise Failure(f"{why}\n{self.log()[-4000:]}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def command(self, *words, ok=True):
        done = subprocess.run([HOST] + self.common + list(words), capture_output=True, text=True,
                              timeout=60, check=False)
        if ok and done.returncode:
            raise Failure(f"lumen-host {' '.join(words)}: {done.stdout}{done.stderr}")
        return done

    def status(self):
        return json.loads(self.command("status").stdout)

    def traces(self):
        with open(self.trace, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("}\n")]

    def leftovers(self):
        """Processes that were started below this host and still run."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if self.marker.encode() in file.read().split(b"\0"):
                        with open(f"/proc/{pid}/cmdline", "rb") as line:
                            found.append(line.read().replace(b"\0", b" ").decode().strip())
            except OSError:
                continue
        return [line for line in found if line]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise Failure("the host did not end within 20 s of SIGTERM") from None
        return self.process.returncode

    def close(self):
        try:
            self.stop()
        finally:
            if self.process.poll() is None:
                self.process.kill()
            shutil.rmtree(self.dir, ignore_errors=True)


class Client:
    """One device: its own key and certificate."""

    def __init__(self, host, name="device", address="127.0.0.1"):
        self.host = host
        self.address = f"{address}:{host.port}"
        self.state = os.path.join(host.dir, name)

    def args(self, *words):
        return [CLIENT, words[0], self.address, *words[1:], "--state", self.state]

    def run(self, *words, timeout=60):
        return subprocess.run(self.args(*words), capture_output=True, text=True, timeout=timeout,
                              check=False)

    def pair(self, pin="4711", type_pin=None):
        """Returns the client's finished process; `type_pin` is what is typed at the host."""
        asking = subprocess.Popen(self.args("pair", "--pin", pin), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        wait_until("the pairing request shows up", 10,
                   lambda: self.host.status()["pairing_requests"] or asking.poll() is not None)
        self.host.command("pair", type_pin or pin, "--name", os.path.basename(self.state))
        out, err = asking.communicate(timeout=30)
        return subprocess.CompletedProcess(asking.args, asking.returncode, out, err)

    def start_stream(self, *words):
        return subprocess.Popen(self.args("stream", *words, "--headless", "--json"),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stream(self, *words, timeout=90, ok=True):
        """Streams until the options say so; returns the JSON report."""
        done = self.run("stream", *words, "--headless", "--json", timeout=timeout)
        if ok and done.returncode:
            raise Failure(f"stream: {done.returncode}\n{done.stderr[-3000:]}\n"
                          f"{self.host.log()[-4000:]}")
        return json.loads(done.stdout) if done.stdout.strip() else {}


@contextlib.contextmanager
def hosted(*args, **kwargs):
    host = Host(*args, **kwargs)
    try:
        yield host
    except BaseException:
        print("--- the host's log ---\n" + host.log()[-6000:], file=sys.stderr)
        raise
    finally:
        host.close()


def paired(host, name="device", **kwargs):
    client = Client(host, name, **kwargs)
    done = Client(host, name).pair()
    check(done.returncode == 0, f"pairing failed: {done.stdout}{done.stderr}")
    return client


def app(name, command, on_exit="end"):
    return f"[app:{name}]\ncommand = {command}\non_exit = {on_exit}\n"


def numbers(pattern, text):
    return [int(n) for n in re.findall(pattern, text)]


def main(*cases):
    """Runs the cases; each prints its name and result. Exit status 1 when one failed."""
    failed = 0
    only = sys.argv[1:]
    for case in cases:
        if only and case.__name__ not in only:
            continue
        started = time.monotonic()
        try:
            case()
            print(f"ok {case.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception as error:  # pylint: disable=broad-except; the next case runs all the same
            failed += 1
            print(f"FAILED {case.__name__}: {type(error).__name__}: {error}", flush=True)
    sys.exit(1 if failed else 0)
