#!/usr/bin/python3
"""What stock clients rely on and strangers try, request by request, against a running host. Test
backends stand in for the desktop, so that a stream is up in an instant."""
import concurrent.futures
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

import private_mdns
import protocol_media
from harness import HOST, Client, Host, check, free_base_port, main, need, wait_until
from protocol_media import FAKES, faked, running
from scripted import Device, Pairing, first_app, pair

need("openssl")

SIZE = ["--size", "640x360", "--fps", "60"]


class TunedHost(Host):
    """Its configuration is edited after the harness wrote it."""

    def __init__(self, edit, options=()):
        self.edit = edit
        super().__init__(options=FAKES + list(options))

    def start(self):
        path = os.path.join(self.dir, "lumen.conf")
        with open(path, encoding="utf-8") as file:
            text = self.edit(file.read())
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        super().start()


# --- HTTP and HTTPS -------------------------------------------------------------------------------

def strangers_learn_no_more_than_they_may():  # gs-session 4, 5, 6, 8, 9, 13, 17
    with faked() as host:
        device, stranger = pair(Device(host, "known")), Device(host, "stranger")
        for query in ({}, {"uniqueid": device.uid}):
            answer = device.get("/serverinfo", **query)
            check(answer.status == 200, "plain /serverinfo")
            check(answer.root.findtext("PairStatus") == "0", "a stranger was told it is paired")
            check(answer.root.findtext("mac") == "00:00:00:00:00:00", "the hardware address")
            check(answer.root.findtext("state").endswith("_SERVER_FREE"), "state")
            check(answer.root.findtext("currentgame") == "0", "currentgame")
            check(answer.root.findtext("HttpsPort") == str(host.port - 5), "HttpsPort")
            check(answer.root.findtext("ExternalPort") == str(host.port), "ExternalPort")
        for path in ("/serverinfo", "/applist", "/launch", "/cancel"):
            for certificate in (True, False):
                answer = stranger.get(path, True, certificate)
                check((answer.http, answer.status) == (200, 401), f"{path}: {answer}")
        with socket.create_connection(("127.0.0.1", host.port), 10) as link:
            link.sendall(b"GET /serverinfo HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
            while link.recv(65536):
                pass  # ends only because the host closes


def certificate_is_known_by_its_key_and_not_by_its_names():  # gs-session 7, 12, 26, 29, 37, 47
    with faked() as host:
        device = Device(host, "known")
        run = Pairing(device)
        check(run.run().root.findtext("paired") == "1", "phases 1 to 4")
        challenge = device.get("/pair", True, phrase="pairchallenge", uniqueid=device.uid)
        check(challenge.root.findtext("paired") == "1", "phase 5")
        check(device.is_paired(), "PairStatus")
        link = device.connection(True)
        link.connect()
        check(link.sock.getpeercert(True) == ssl.PEM_cert_to_DER_cert(run.host_pem),
              "TLS shows another certificate than pairing handed out")
        link.close()
        ids = {device.serverinfo(secure).root.findtext("uniqueid") for secure in (True, False)}
        check(len(ids) == 1, f"the host has two identities: {ids}")
        twin = Device(host, "twin")  # the same subject and issuer
        check(twin.serverinfo().status == 401, "another key with the same names was let in")
        check(twin.get("/pair", True, phrase="pairchallenge").status == 401, "phase 5")


def connecting_and_leaving_does_no_harm():  # gs-session 22
    with faked() as host:
        device = pair(Device(host))
        for offset in (-5, 0, 21):
            for _ in range(10):  # below the cap on connections of one address
                socket.create_connection(("127.0.0.1", host.port + offset), 5).close()
        running(device, 0.2).close()


def waiting_clients_delay_nobody():  # gs-session 23, 24
    with faked() as host:
        device, slow = pair(Device(host)), Device(host, "slow")
        waiting = Pairing(slow)
        waiting.begin()
        wait_until("the pairing request", 5, lambda: host.status()["pairing_requests"])
        links = [socket.create_connection(("127.0.0.1", host.port - 5), 5) for _ in range(4)]
        for link, data in zip(links, (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP")):
            link.sendall(data)
        for secure in (True, False):
            started = time.monotonic()
            check(device.serverinfo(secure).status == 200, "/serverinfo")
            check(time.monotonic() - started < 1, "/serverinfo had to wait for others")
        for link in links:
            link.close()
        waiting.link.close()


# --- pairing --------------------------------------------------------------------------------------

def namesakes_pair_at_the_same_time():  # gs-session 39
    with faked() as host:
        runs = [Pairing(Device(host, f"twin{i}", source=f"127.0.0.{i}"), f"110{i}") for i in (1, 2)]
        for run in runs:
            run.begin()
        asked = wait_until("both requests", 5, lambda: len(
            host.status()["pairing_requests"]) == 2 and host.status()["pairing_requests"])
        check(host.command("pair", "1101", ok=False).returncode != 0, "whose PIN is it?")
        numbers = {p["from"]: str(p["request"]) for p in asked}
        for run in reversed(runs):
            host.command("pair", run.pin, "--request", numbers[run.device.source], "--name",
                         run.device.name)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answers = list(pool.map(Pairing.finish, runs))
        check([a.root.findtext("paired") for a in answers] == ["1", "1"], "not both paired")
        check(all(run.device.is_paired() for run in runs), "not both known")


def pairing_outlives_a_kill():  # gs-session 38, 27
    with faked() as host:
        device = Device(host)
        run = Pairing(device)
        check(run.run().root.findtext("paired") == "1", "pairing")
        host.process.kill()
        host.process.wait()
        host.start()
        check(device.is_paired(), "the pairing was lost")
        again = Pairing(Device(host, "second"))
        again.run()
        check(again.host_pem == run.host_pem, "the host's certificate changed")


def wrong_pins_close_pairing_for_a_while():  # gs-session 30
    with faked("[pairing]\nmax_failures = 2\n") as host:
        device = Device(host)
        for _ in range(2):
            last = Pairing(device, "1111")
            last.begin()
            wait_until("the request", 5, lambda: host.status()["pairing_requests"])
            host.command("pair", "2222")
            check(last.finish().root.findtext("paired") == "0", "a wrong PIN paired")
        third = Pairing(device)
        third.begin()
        answer = third.begun()
        check(answer.root.findtext("paired") != "1" and answer.message, f"let in: {answer}")
        check(host.command("devices").stdout.startswith("0 paired"), "a device was stored")


# --- launch ---------------------------------------------------------------------------------------

def launch_is_refused_without_a_fresh_key():  # gs-session 60, 65
    with faked() as host:
        device = pair(Device(host))
        number, key = first_app(device), "00112233445566778899aabbccddeeff"
        for wrong in ("", key[:-2], key + "00", "xy" * 16):
            check(device.launch(appid=number, rikey=wrong).status == 400, f"rikey={wrong}")
        check(device.get("/launch", True, appid=number, rikeyid="1").status == 400, "no rikey")
        check(not host.status()["sessions"], "a refused launch had an effect")
        check(device.launch(appid=number, key=key).status == 200, "a fresh key")
        check(device.launch("/resume", key=key).status == 400, "the key was taken twice")
        check(device.launch("/resume").status == 200, "the session was lost")


def one_application_runs_until_it_is_cancelled():  # gs-session 11, 51, 53, 56, 61, 62, 63, 64
    with faked("[app:Other]\ncommand = true\non_exit = keep\n") as host:
        device = pair(Device(host))
        apps = device.get("/applist", True).root.findall("App")
        numbers = [a.findtext("ID") for a in apps]
        check(len(apps) == 2 and all(a.findtext("AppTitle") for a in apps), "titles")
        check(all(int(number) > 0 for number in numbers), f"{numbers}")
        check(device.launch("/resume").status == 503, "resumed what is not there")
        check(device.launch(appid="4242").status == 404, "launched what is not there")
        check(device.get("/cancel", True).root.findtext("cancel") == "1", "cancel of nothing")
        answer = device.launch(appid=numbers[0])
        check(answer.root.findtext("gamesession") == "1", f"{answer}")
        check_state(device, numbers[0])
        check(device.launch(appid=numbers[1]).status == 400, "launched beside another")
        answer = device.launch("/resume", appid=numbers[1])
        check(answer.root.findtext("resume") == "1", f"{answer}")
        check_state(device, numbers[0])
        check(device.get("/cancel", True).root.findtext("cancel") == "1", "cancel")
        check_state(device, "0")
        for number in (numbers[0], "4242", "..%2F..%2Fetc%2Fpasswd", "1%00", "", "-1"):
            link = device.connection(True)
            link.request("GET", f"/appasset?appid={number}&AssetType=2&AssetIdx=0")
            answer = link.getresponse()
            body = answer.read()
            good = answer.status == 200 and body.startswith(b"\x89PNG")
            check(good if number == numbers[0] else answer.status == 404 and not body,
                  f"/appasset of {number}: {answer.status}")


def check_state(device, number):
    root = device.serverinfo().root
    check(root.findtext("currentgame") == number, f"currentgame: {root.findtext('currentgame')}")
    ending = "_SERVER_FREE" if number == "0" else "_SERVER_BUSY"
    check(root.findtext("state").endswith(ending) and "MJOLNIR" not in root.findtext("state"),
          root.findtext("state"))


def sockets_are_open_when_a_launch_is_answered():  # gs-session 66
    with faked() as host:
        device = pair(Device(host))
        check(device.launch(appid=first_app(device)).status == 200, "launch")
        socket.create_connection(("127.0.0.1", host.port + 21), 1).close()
        for offset in (9, 10, 11):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.connect(("127.0.0.1", host.port + offset))
                sock.settimeout(0.1)
                sock.send(b"nonsense")
                try:
                    sock.recv(100)  # ConnectionRefusedError when nobody listens
                except TimeoutError:
                    pass


def sessions_are_limited():
    with faked("max_sessions = 1\n") as host:
        first, second = pair(Device(host, "first")), pair(Device(host, "second"))
        number = first_app(first)
        check(first.launch(appid=number).status == 200, "the first")
        answer = second.launch(appid=number)
        check(answer.status == 503 and "in use" in answer.message, f"{answer}")
        check(answer.root.findtext("gamesession") == "0", "gamesession")
        first.get("/cancel", True)
        wait_until("there is room again", 5, lambda: second.launch(appid=number).status == 200)


def old_clients_are_refused_where_encryption_is_required():  # gs-session 86
    with faked("[stream]\nencryption = required\n") as host:
        device = pair(Device(host))
        answer = device.launch(appid=first_app(device))
        check(answer.status == 403 and "encryption" in answer.message, f"{answer}")
        check(not host.status()["sessions"], "a refused launch had an effect")
        answer = device.launch(appid=first_app(device), corever="1")
        check(answer.status == 200, f"{answer}")
        check(answer.root.findtext("sessionUrl0").startswith("rtspenc://"), "the scheme")


def secrets_stay_out_of_the_log():  # gs-session 68
    for edit in (lambda text: text, lambda text: text.replace("log_level = debug\n", "")):
        host = TunedHost(edit)
        try:
            device = Device(host)
            run = Pairing(device, "8642")
            run.run()
            key = os.urandom(16).hex()
            device.launch(appid=first_app(device), key=key, corever="1")
            device.launch(appid=first_app(device), key=key[:-1])
            log = host.log().lower()
            check("is paired" in log, "there is a log")
            body = "".join(run.device.pem.splitlines()[1:3]).lower()
            secrets = {"rikey": key, "salt": run.salt.hex(), "PIN": "8642", "key": "rikey",
                       "certificate": device.pem.encode().hex()[100:200], "its text": body[:40],
                       "challenge": run.challenge.hex(), "secret": run.secret.hex()}
            for what, text in secrets.items():
                # Four digits alone may be part of a time or a port.
                word = rf"(?<![0-9a-f:.]){text}(?![0-9a-f])" if what == "PIN" else re.escape(text)
                at = re.search(word, log)
                check(not at, f"the log has the {what}: {log[max(0, at.start() - 80):][:160]}"
                      if at else "")
        finally:
            host.close()


# --- both networks, both programs -----------------------------------------------------------------

def client_streams_over_ipv6():
    with faked() as host:
        client = Client(host, address="[::1]")
        check(client.pair().returncode == 0, "pairing")
        report = client.stream("Desktop", *SIZE, "--frames", "60")
        check(report["decode_errors"] == 0 and report["frames_lost"] == 0, f"{report}")
        check(client.stream("Desktop", *SIZE, "--frames", "30")["resumed"], "resume")


def host_is_announced_while_it_serves():  # gs-session 1, 2, 3
    path = os.environ["PATH"] + ":/usr/sbin"
    if os.geteuid() or not all(shutil.which(p, path=path) for p in private_mdns.PROGRAMS):
        print("  SKIP: needs root, dbus-daemon, avahi-daemon and avahi-browse")
        return
    mdns = private_mdns.Mdns()
    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
    try:
        wait_until("Avahi", 10, mdns.works)
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = mdns.env["DBUS_SYSTEM_BUS_ADDRESS"]
        host = TunedHost(lambda text: text.replace("discovery = no\n", ""))
        try:
            port = wait_until("the announcement", 10, mdns.browse)[0]
            check(port == host.port, f"announced on {port}")
            wait_until("status knows", 5, lambda: host.status()["discoverable"])
            host.stop()
            wait_until("the goodbye", 3, lambda: not mdns.browse())
            check_order(host, mdns)
        finally:
            host.close()
    finally:
        os.environ.pop("DBUS_SYSTEM_BUS_ADDRESS")
        if before:
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
        mdns.close()


def check_order(host, mdns):
    """Connects the moment an announcement is seen."""
    watch = subprocess.Popen(["avahi-browse", "-p", "_nvstream._tcp"], env=mdns.env,
                             stdout=subprocess.PIPE, text=True)
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            starting = pool.submit(host.start)
            check(watch.stdout.readline().startswith("+"), "no announcement")
            for offset in (0, -5):
                socket.create_connection(("127.0.0.1", host.port + offset), 1).close()
            starting.result()
    finally:
        watch.terminate()
        watch.wait()


# --- the program itself ---------------------------------------------------------------------------

def run_host(directory, *words, config=None):
    """lumen-host in the foreground until it ends."""
    path = os.path.join(directory, "second.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config or f"[host]\nport = {free_base_port()}\ndiscovery = no\n")
    done = subprocess.run([HOST, "--config", path, "--runtime", os.path.join(directory, "rt2"),
                           *FAKES, *words], capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout + done.stderr


def second_host_on_one_state_is_refused():
    with faked() as host:
        status, text = run_host(host.dir, "--state", os.path.join(host.dir, "state"))
        check(status == 1 and "another lumen-host uses" in text, f"{status}: {text}")
        check(host.status()["pid"] == host.process.pid, "the first was disturbed")


def damaged_database_is_refused_and_kept():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "lumen.db")
        rubbish = b"SQLite format 3\0" + b"no database at all " * 500
        with open(path, "wb") as file:
            file.write(rubbish)
        status, text = run_host(directory, "--state", directory)
        check(status == 1 and path in text and "damaged" in text, f"{status}: {text}")
        with open(path, "rb") as file:
            check(file.read() == rubbish, "it was changed")


def unknown_configuration_key_is_refused():
    with tempfile.TemporaryDirectory() as directory:
        status, text = run_host(directory, "--state", directory,
                                config="[host]\nport = 47989\n\ncolour = red\n")
        check(status == 1 and "second.conf" in text and "4" in text and "colour" in text,
              f"{status}: {text}")


def commands_answer_without_a_person():
    with faked() as host:
        done = host.command("doctor", ok=False)
        lines = [line for line in done.stdout.splitlines() if line[:4].strip()]
        check(done.returncode in (0, 1) and len(lines) > 5, f"doctor: {done}")
        check(all(re.match(r"(ok  |warn|FAIL)  \S.*: ", line) for line in lines[:-1]),
              f"doctor: {done.stdout}")
        status = json.loads(host.command("status").stdout)
        check((status["port"], status["pid"]) == (host.port, host.process.pid), f"{status}")
        check("no device" in host.command("unpair", "nobody", ok=False).stderr, "unpair")
        check("shuts down" in host.command("quit").stdout, "quit was not answered")
        check(host.process.wait(10) == 0, "quit did not end the host")


if __name__ == "__main__":
    main(strangers_learn_no_more_than_they_may,
         certificate_is_known_by_its_key_and_not_by_its_names, connecting_and_leaving_does_no_harm,
         waiting_clients_delay_nobody, namesakes_pair_at_the_same_time, pairing_outlives_a_kill,
         wrong_pins_close_pairing_for_a_while, launch_is_refused_without_a_fresh_key,
         one_application_runs_until_it_is_cancelled, sockets_are_open_when_a_launch_is_answered,
         sessions_are_limited, old_clients_are_refused_where_encryption_is_required,
         secrets_stay_out_of_the_log, *protocol_media.CASES, client_streams_over_ipv6,
         host_is_announced_while_it_serves, second_host_on_one_state_is_refused,
         damaged_database_is_refused_and_kept, unknown_configuration_key_is_refused,
         commands_answer_without_a_person)
