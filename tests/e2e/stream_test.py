#!/usr/bin/python3
"""Host and client on the real stack: pairing, picture, sound, input, resume, several clients."""
import math
import os
import struct
import wave

from harness import (CLOCK, Client, Host, app, check, hosted, main, need, paired, wait_until)

need("sway", "pipewire", "wireplumber", "dbus-daemon")

# What painted-clock --pattern shows: blocks of a quarter by a half of the picture.
PATTERN = ["ffffff", "e0c020", "20c0c0", "20a030", "b030b0", "d02020", "2030d0", "101010"]

SIZE = ["--size", "1280x720", "--fps", "60"]


def clock_app(name="Clock", options="--every-frame --motion scroll", on_exit="end"):
    return app(name, f"exec {CLOCK} {options}", on_exit)


def wrong_pin_is_refused_and_right_pin_pairs():  # gs-session 29, 30
    with hosted() as host:
        client = Client(host)
        done = client.pair("1234", "1235")
        check(done.returncode != 0 and "wrong PIN" in done.stderr, f"{done.stdout}{done.stderr}")
        check(host.command("devices").stdout.startswith("0 paired"), "a wrong PIN stored a device")
        listing = client.run("list")
        check(listing.returncode != 0 and "not paired" in listing.stderr, listing.stderr)
        check(client.pair("0042").returncode == 0, "the right PIN did not pair")
        listing = client.run("list")
        check("Desktop" in listing.stdout, listing.stdout + listing.stderr)


def moving_picture_arrives_whole_and_in_order():  # gs-media 6, 24
    with hosted(clock_app()) as host:
        client = paired(host)
        report = client.stream("Clock", *SIZE, "--frames", "300")
        pattern = report["pattern"]
        check(report["width"] == 1280 and report["height"] == 720, "size")
        check(report["decode_errors"] == 0 and report["frames_lost"] == 0, "errors or losses")
        check(pattern["distinct"] >= 290, f"too few pictures read: {pattern}")
        check(pattern["out_of_order"] == 0, f"order: {pattern}")
        check(report["encryption"] == {"control_v2": True, "video": True, "audio": True},
              f"encryption: {report['encryption']}")
        check(55 <= report["fps_measured"] <= 62, f"rate: {report['fps_measured']}")


def slices_leave_while_others_are_encoded():  # gs-media 19
    with hosted(clock_app(options="--every-frame --motion video")) as host:
        paired(host).stream("Clock", *SIZE, "--frames", "200")
        frames = [t for t in host.traces() if len(t["blocks"]) == 4 and not t["repeated"]]
        check(len(frames) > 100, f"too few traces: {len(frames)}")
        early = [t for t in frames if t["blocks"][0]["first_sent"] < t["blocks"][3]["encoded"]]
        check(len(early) > 0.7 * len(frames),
              f"only {len(early)} of {len(frames)} frames began to leave before their last slice")
        for trace in frames:
            sent = [b["first_sent"] for b in trace["blocks"]]
            check(sent == sorted(sent), f"blocks out of order: {trace}")


def colours_arrive_pixel_close():
    with hosted(clock_app("Bars", "--pattern")) as host:
        client = paired(host)
        picture = os.path.join(host.dir, "last.png")
        client.stream("Bars", *SIZE, "--duration", "4", "--png", picture)
        pixels = read_png(picture)
        for i, colour in enumerate(PATTERN):
            for dx, dy in ((40, 40), (160, 180), (280, 320)):
                x, y = i % 4 * 320 + dx, i // 4 * 360 + dy
                have, expected = pixels(x, y), bytes.fromhex(colour)
                worst = max(abs(a - b) for a, b in zip(have, expected))
                check(worst <= 6, f"at {x},{y}: {have.hex()} instead of {colour}")


def read_png(path):
    """A function (x, y) -> (r, g, b) of an 8-bit RGB or RGBA PNG without interlacing."""
    import zlib
    with open(path, "rb") as file:
        data = file.read()
    at, body, header = 8, b"", None
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", data[at + 8:at + 8 + size])
        if kind == b"IDAT":
            body += data[at + 8:at + 8 + size]
        at += 12 + size
    width, height, depth, colour = header[:4]
    check(depth == 8 and colour in (2, 6), "unexpected PNG format")
    channels, raw, rows = (3 if colour == 2 else 4), zlib.decompress(body), []
    stride, before = width * channels, bytearray(width * channels)
    for y in range(height):
        line = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        unfilter(raw[y * (stride + 1)], line, before, channels)
        rows.append(line)
        before = line
    return lambda x, y: bytes(rows[y][x * channels:x * channels + 3])


def unfilter(kind, line, before, channels):
    for i in range(len(line)) if kind else ():
        left = line[i - channels] if i >= channels else 0
        up, corner = before[i], before[i - channels] if i >= channels else 0
        if kind == 1:
            add = left
        elif kind == 2:
            add = up
        elif kind == 3:
            add = (left + up) // 2
        else:
            guess = left + up - corner
            add = min((abs(guess - left), 0, left), (abs(guess - up), 1, up),
                      (abs(guess - corner), 2, corner))[2]
        line[i] = (line[i] + add) & 255


def tone_arrives_as_the_same_tone():  # gs-media 50
    host = Host()
    path = os.path.join(host.dir, "tone.wav")
    host.close()
    os.makedirs(host.dir, exist_ok=True)
    with wave.open(path, "wb") as out:
        out.setparams((2, 2, 48000, 0, "NONE", ""))
        for i in range(48000 * 12):
            value = int(12000 * math.sin(2 * math.pi * 440 * i / 48000))
            out.writeframesraw(struct.pack("<hh", value, value))
    command = f"(pw-play {path}; pw-play {path}) & exec {CLOCK} --interval-ms 200"
    with hosted(app("Tone", command)) as playing:
        report = paired(playing).stream("Tone", *SIZE, "--duration", "7")
        sound = report["audio"]
        check(abs(sound["tone_hz"] - 440) < 3, f"{sound}")
        check(sound["rms"] > 0.05, f"too quiet: {sound}")
        check(sound["lost"] == 0 and sound["undecodable"] == 0, f"{sound}")
    os.unlink(path)
    os.rmdir(host.dir)


def write_script(host, *lines):
    path = os.path.join(host.dir, "input.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def events(path):
    """The painted clock's log without its time stamps."""
    with open(path, encoding="utf-8") as file:
        return [line.split()[1:] for line in file if line.endswith("\n")]


def typed(log):
    return "".join(e[4] for e in log if e[0] == "key" and e[2] == "down" and len(e) > 4)


def input_lands_where_it_was_aimed():  # gs-media 75, 81, 84
    log = "/tmp/lumen-e2e-events-" + str(os.getpid())
    try:
        with hosted(app("Log", f"exec {CLOCK} --interval-ms 50 --log-events {log}")) as host:
            script = write_script(host, "wait-frames 20", "key H", "key I", "wait-frames 10",
                                  "text Grüße€", "wait-frames 20", "move 700 400",
                                  "wait-frames 3", "button left", "wait-frames 3", "move 5 700",
                                  "button right", "scroll 120", "scroll 40", "hscroll -120",
                                  "wait-frames 20", "keydown A", "wait-frames 3")
            paired(host).stream("Log", *SIZE, "--duration", "9", "--input-script", script)
            wait_until("the held key is released", 5,
                       lambda: ["key", "30", "up"] in [e[:3] for e in events(log)])
            check_events(events(log))
    finally:
        if os.path.exists(log):
            os.unlink(log)


def check_events(log):
    check(typed(log) == "hiGrüße€a", f"typed text came as {typed(log)!r}")
    clicks = [(e[1], float(e[3]), float(e[4])) for e in log if e[0] == "button" and e[2] == "down"]
    check(clicks == [("272", 700, 400), ("273", 5, 700)], f"clicks: {clicks}")
    vertical = sum(float(e[2]) for e in log if e[0] == "axis" and e[1] == "v")
    horizontal = sum(float(e[2]) for e in log if e[0] == "axis" and e[1] == "h")
    check(abs(vertical + 20) < 0.1 and abs(horizontal + 15) < 0.1,
          f"scrolled {vertical}, {horizontal}")


def dropped_connection_is_resumed_on_the_same_desktop():  # gs-session 56
    with hosted(clock_app(options="--every-frame --motion scroll")) as host:
        client = paired(host)
        client.stream("Clock", *SIZE, "--drop-connection-after", "60", ok=False)
        before = host.status()["sessions"]
        check(len(before) == 1, f"{before}")
        report = client.stream("Clock", *SIZE, "--frames", "60")
        check(report["resumed"] is True, "it was launched anew")
        check(host.status()["sessions"][0]["session"] == before[0]["session"], "another session")
        check(report["pattern"]["out_of_order"] == 0, f"{report['pattern']}")


def resume_takes_another_size():
    with hosted(clock_app()) as host:
        client = paired(host)
        client.stream("Clock", *SIZE, "--frames", "30")
        report = client.stream("Clock", "--size", "1600x900", "--fps", "30", "--frames", "60")
        check((report["width"], report["height"]) == (1600, 900), "size")
        check(report["resumed"] and report["pattern"]["distinct"] > 40, f"{report['pattern']}")


def two_clients_have_desktops_of_their_own():
    logs = [f"/tmp/lumen-e2e-two-{os.getpid()}-{i}" for i in range(2)]
    config = "".join(app(f"Log{i}", f"exec {CLOCK} --every-frame --log-events {logs[i]}")
                     for i in range(2))
    try:
        with hosted(config) as host:
            clients = [paired(host, f"device{i}") for i in range(2)]
            script = write_script(host, "wait-frames 30", "text aaa", "wait-frames 30")
            second = clients[1].start_stream("Log1", "--size", "800x600", "--fps", "60",
                                             "--duration", "8")
            first = clients[0].stream("Log0", *SIZE, "--duration", "6", "--input-script",
                                      script)
            out, err = second.communicate(timeout=60)
            check(second.returncode == 0, err)
            check(first["decode_errors"] == 0 and '"decode_errors": 0' in out, "decode errors")
            texts = [typed(events(path)) for path in logs]
            check(texts == ["aaa", ""], f"typed text went to {texts}")
    finally:
        for path in logs:
            if os.path.exists(path):
                os.unlink(path)


def unpaired_and_revoked_clients_are_refused():  # gs-session 8, 48, 98
    with hosted(clock_app()) as host:
        client = paired(host)
        running = client.start_stream("Clock", *SIZE, "--duration", "60")
        wait_until("the stream runs", 20,
                   lambda: [s for s in host.status()["sessions"] if s["state"] == "streaming"])
        host.command("unpair", "device")
        out, _ = running.communicate(timeout=20)
        check('"host-ended"' in out, f"the stream went on: {out[-500:]}")
        refused = client.run("list")
        check(refused.returncode != 0 and "not paired" in refused.stderr, refused.stderr)
        stranger = Client(host, "stranger").run("stream", "Clock", "--headless")
        check(stranger.returncode != 0 and "not paired" in stranger.stderr, stranger.stderr)


def application_exit_ends_or_keeps_the_session():
    config = (app("Ends", f"{CLOCK} --every-frame --duration 2") +
              app("Keeps", f"{CLOCK} --every-frame --duration 2", "keep"))
    with hosted(config) as host:
        client = paired(host)
        report = client.stream("Ends", *SIZE, "--duration", "15")
        check(report["termination"] == "host-ended", f"{report['termination']}")
        wait_until("the session is over", 10, lambda: not host.status()["sessions"])
        report = client.stream("Keeps", *SIZE, "--duration", "5")
        check(report["termination"] == "done", f"{report['termination']}")
        check(host.status()["sessions"], "the session was not kept")


def quit_leaves_nothing_behind():  # gs-session 64
    with hosted(clock_app()) as host:
        client = paired(host)
        client.stream("Clock", *SIZE, "--frames", "30")
        check(client.run("quit").returncode == 0, "quit")
        wait_until("the session is over", 10, lambda: not host.status()["sessions"])
        left = [line for line in host.leftovers() if "lumen-host --config" not in line]
        check(not left, f"still running: {left}")
        client.stream("Clock", *SIZE, "--frames", "30")
        host.command("quit")
        host.process.wait(20)
        wait_until("all processes are gone", 5, lambda: not host.leftovers())
        check(os.listdir(host.runtime) == [], f"files left: {os.listdir(host.runtime)}")


def killed_host_leaves_nothing_behind():  # gs-session 27
    with hosted(clock_app()) as host:
        client = paired(host)
        client.stream("Clock", *SIZE, "--frames", "30")
        check(len(host.leftovers()) > 3, "the desktop should be running")
        host.process.kill()
        host.process.wait()
        wait_until("all processes are gone", 10, lambda: not host.leftovers())
        host.start()
        check(client.run("list").returncode == 0, "the pairing was lost")


if __name__ == "__main__":
    main(wrong_pin_is_refused_and_right_pin_pairs, moving_picture_arrives_whole_and_in_order,
         slices_leave_while_others_are_encoded, colours_arrive_pixel_close,
         tone_arrives_as_the_same_tone, input_lands_where_it_was_aimed,
         dropped_connection_is_resumed_on_the_same_desktop, resume_takes_another_size,
         two_clients_have_desktops_of_their_own, unpaired_and_revoked_clients_are_refused,
         application_exit_ends_or_keeps_the_session, quit_leaves_nothing_behind,
         killed_host_leaves_nothing_behind)
