"""A client written out request by request, for what lumen-client would never do: wrong orders,
wrong keys, old protocol forms. Certificates and pairing ciphers come from the openssl program."""
import collections
import hashlib
import http.client
import os
import select
import socket
import ssl
import struct
import subprocess
import time
import xml.etree.ElementTree

from harness import check, wait_until

UID = "0123456789ABCDEF"  # most clients share this one
PACKET = 1024  # x-nv-video[0].packetSize


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True).stdout


def aes(key, data, way="-e"):
    return openssl("enc", "-aes-128-ecb", "-nopad", "-K", key.hex(), way, data=data)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def signature_of(pem):
    """A certificate's own signature: the last BIT STRING of its DER form, RSA 2048."""
    return ssl.PEM_cert_to_DER_cert(pem)[-256:]


Document = collections.namedtuple("Document", "http status root message")


class Device:
    """A key, a certificate, an address; no knowledge of what the host is to answer."""

    def __init__(self, host, name="stock", uid=UID, source="127.0.0.1",
                 subject="/CN=NVIDIA GameStream Client"):
        self.host, self.name, self.uid, self.source = host, name, uid, source
        self.key = os.path.join(host.dir, name + ".key")
        self.cert = os.path.join(host.dir, name + ".crt")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "7300",
                "-set_serial", "0", "-subj", subject, "-keyout", self.key, "-out", self.cert)
        with open(self.cert, encoding="ascii") as file:
            self.pem = file.read()

    def connection(self, secure, certificate=True, timeout=10):
        if not secure:
            return http.client.HTTPConnection("127.0.0.1", self.host.port, timeout,
                                              (self.source, 0))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(self.cert, self.key)
        return http.client.HTTPSConnection("127.0.0.1", self.host.port - 5, timeout=timeout,
                                           source_address=(self.source, 0), context=context)

    def get(self, path, secure=False, certificate=True, timeout=10, **query):
        words = "&".join(f"{key}={value}" for key, value in query.items())
        link = self.connection(secure, certificate, timeout)
        try:
            link.request("GET", path + ("?" + words if words else ""))
            answer = link.getresponse()
            root = xml.etree.ElementTree.fromstring(answer.read())
        finally:
            link.close()
        return Document(answer.status, int(root.get("status_code")), root,
                        root.get("status_message") or "")

    def serverinfo(self, secure=True, **kwargs):
        return self.get("/serverinfo", secure, uniqueid=self.uid, **kwargs)

    def is_paired(self):
        answer = self.serverinfo()
        return answer.status == 200 and answer.root.findtext("PairStatus") == "1"

    def launch(self, path="/launch", key=None, **query):
        """Streams are made by plain RTSP unless the query says corever=1."""
        words = {"appid": "1", "mode": "640x360x60", "rikey": key or os.urandom(16).hex(),
                 "rikeyid": "1", "uniqueid": self.uid}
        words.update(query)
        return self.get(path, True, timeout=30, **words)


class Pairing:
    """One run through the phases, a method each."""

    def __init__(self, device, pin="4711"):
        self.device, self.pin = device, pin
        self.salt, self.challenge, self.secret = (os.urandom(16) for _ in range(3))
        self.aes_key = sha256(self.salt, pin.encode())[:16]
        self.link, self.host_pem, self.server = None, "", b""

    def ask(self, **query):
        return self.device.get("/pair", uniqueid=self.device.uid, devicename="roth",
                               updateState=1, **query)

    def begin(self):
        """Phase 1, left waiting for the PIN."""
        self.link = self.device.connection(False, timeout=30)
        self.link.request("GET", f"/pair?uniqueid={self.device.uid}&devicename=roth&updateState=1&"
                          f"phrase=getservercert&salt={self.salt.hex()}&"
                          f"clientcert={self.device.pem.encode().hex()}")

    def begun(self):
        answer = self.link.getresponse()
        root = xml.etree.ElementTree.fromstring(answer.read())
        self.link.close()
        self.host_pem = bytes.fromhex(root.findtext("plaincert") or "").decode()
        return Document(answer.status, int(root.get("status_code")), root,
                        root.get("status_message") or "")

    def second(self):
        answer = self.ask(clientchallenge=aes(self.aes_key, self.challenge).hex())
        self.server = aes(self.aes_key, bytes.fromhex(answer.root.findtext("challengeresponse")),
                          "-d")
        return answer

    def third(self):
        mine = sha256(self.server[32:48], signature_of(self.device.pem), self.secret)
        return self.ask(serverchallengeresp=aes(self.aes_key, mine).hex())

    def fourth(self):
        signed = openssl("dgst", "-sha256", "-sign", self.device.key, data=self.secret)
        return self.ask(clientpairingsecret=(self.secret + signed).hex())

    def finish(self):
        """Phases 2 to 4 after the PIN; the last answer."""
        check(self.begun().root.findtext("paired") == "1", "phase 1")
        check(self.second().root.findtext("paired") == "1", "phase 2")
        check(self.third().root.findtext("paired") == "1", "phase 3")
        return self.fourth()

    def run(self, typed=None, request=None):
        before = {p["request"] for p in self.device.host.status()["pairing_requests"]}
        self.begin()
        asked = wait_until("the request shows up", 5, lambda: [
            p for p in self.device.host.status()["pairing_requests"]
            if p["request"] not in before])
        number = request or str(asked[0]["request"])
        self.device.host.command("pair", typed or self.pin, "--request", number, "--name",
                                 self.device.name)
        return self.finish()


def pair(device):
    check(Pairing(device).run().root.findtext("paired") == "1", "pairing failed")
    return device


def first_app(device):
    return device.get("/applist", True).root.find("App").findtext("ID")


class Enet:
    """As much of ENet as a client's control connection needs."""
    SIZES = {1: 8, 2: 48, 3: 44, 4: 8, 5: 4, 10: 12, 11: 16}

    def __init__(self, port, data, source="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.peer, self.sequence, self.data = 0xfff, 1, data
        self.connected = self.ended = False
        self.acknowledged, self.messages = {}, []
        self.connect()

    def now(self):
        return int(time.monotonic() * 1000) & 0xffff

    def send(self, commands):
        self.socket.send(struct.pack(">HH", self.peer | 0x8000, self.now()) + commands)

    def connect(self):
        self.send(struct.pack(">BBHHBBIIIIIIIII", 0x82, 0xff, 1, 0, 0xff, 0xff, 900, 65536, 48, 0,
                              0, 5000, 2, 2, 0x1234567) + struct.pack(">I", self.data))

    def ping(self):
        """Returns the sequence number under which its acknowledgement will be noted."""
        self.sequence += 1
        self.send(struct.pack(">BBH", 0x85, 0xff, self.sequence))
        return self.sequence

    def disconnect(self):
        self.sequence += 1
        self.send(struct.pack(">BBHI", 0x84, 0xff, self.sequence, 0))
        return self.sequence

    def receive(self):
        data = self.socket.recv(4096)
        flags, at = struct.unpack_from(">H", data)[0], 2
        sent = 0
        if flags & 0x8000:
            sent, at = struct.unpack_from(">H", data, 2)[0], 4
        while at + 4 <= len(data):
            command, channel, sequence = struct.unpack_from(">BBH", data, at)
            kind = command & 15
            self.take(kind, channel, sequence, data[at:])
            if command & 0x80:
                self.send(struct.pack(">BBHHH", 1, channel, sequence, sequence, sent))
            if kind == 6:
                at += 6 + struct.unpack_from(">H", data, at + 4)[0]
            else:
                at += self.SIZES[kind]

    def take(self, kind, channel, sequence, body):
        if kind == 1:
            self.acknowledged[struct.unpack_from(">H", body, 4)[0]] = time.monotonic()
        elif kind == 3:
            peer, _, session = struct.unpack_from(">HBB", body, 4)
            self.peer, self.connected = peer | (session & 3) << 12, True
        elif kind == 4:
            self.ended = True
        elif kind == 6:
            self.messages.append((channel, body[6:6 + struct.unpack_from(">H", body, 4)[0]]))

    def close(self):
        self.socket.close()


Datagram = collections.namedtuple("Datagram", "time data source tos")


def media_socket(source="127.0.0.1"):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.setsockopt(socket.IPPROTO_IP, 13, 1)  # IP_RECVTOS
    sock.bind((source, 0))
    sock.setblocking(False)
    return sock


def receive_all(sock, into):
    while True:
        try:
            data, ancillary, _, source = sock.recvmsg(65536, 64)
        except BlockingIOError:
            return
        tos = [value[0] for level, kind, value in ancillary
               if level == socket.IPPROTO_IP and kind == socket.IP_TOS]
        into.append(Datagram(time.monotonic(), data, source, tos[0] if tos else None))


class Stream:
    """RTSP, pings, control: every step is the test's to take, or to leave out."""

    def __init__(self, device, app=None, path="/launch", **query):
        self.device, self.port = device, device.host.port
        answer = device.launch(path, appid=app or first_app(device), **query)
        check(answer.status == 200, f"{path}: {answer.status} {answer.message}")
        self.number, self.session = 0, ""
        self.audio_payload = self.video_payload = self.connect_data = None
        self.audio, self.video = media_socket(device.source), media_socket(device.source)
        self.heard, self.seen = [], []
        self.control, self.counter, self.legacy = None, 0, False
        self.pinging, self.next_ping = [], 0.0

    def rtsp(self, method, target, headers=(), body=""):
        """(status, headers, body); the connection must end in order after the answer."""
        self.number += 1
        lines = [f"{method} {target} RTSP/1.0", f"CSeq: {self.number}", "X-GS-ClientVersion: 14",
                 "Host: 127.0.0.1", *headers]
        if self.session:
            lines.append(f"Session: {self.session}")
        if body:
            lines += ["Content-type: application/sdp", f"Content-length: {len(body)}"]
        with socket.create_connection(("127.0.0.1", self.port + 21), 10,
                                      (self.device.source, 0)) as link:
            link.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            text = b""
            while True:
                part = link.recv(65536)
                if not part:
                    break
                text += part
        head, _, rest = text.decode().partition("\r\n\r\n")
        first, *others = head.split("\r\n")
        return int(first.split(" ")[1]), dict(line.split(": ", 1) for line in others), rest

    def ok(self, *args, **kwargs):
        status, headers, body = self.rtsp(*args, **kwargs)
        check(status == 200, f"{args[:2]}: {status}")
        return headers, body

    def describe(self):
        self.ok("OPTIONS", "rtsp://127.0.0.1")
        return self.ok("DESCRIBE", "rtsp://127.0.0.1")[1]

    def setup_audio(self):
        headers, _ = self.ok("SETUP", "streamid=audio/0/0")
        self.session = headers["Session"].split(";")[0]
        self.audio_payload = headers["X-SS-Ping-Payload"].encode()

    def setup_rest(self):
        headers, _ = self.ok("SETUP", "streamid=video/0/0")
        self.video_payload = headers["X-SS-Ping-Payload"].encode()
        headers, _ = self.ok("SETUP", "streamid=control/13/0")
        self.connect_data = int(headers["X-SS-Connect-Data"])

    def announce(self, drop=(), **changes):
        values = {"x-ml-general.featureFlags": 3, "x-ss-general.encryptionEnabled": 0,
                  "x-nv-video[0].clientViewportWd": 640, "x-nv-video[0].clientViewportHt": 360,
                  "x-nv-video[0].maxFPS": 60, "x-nv-video[0].packetSize": PACKET,
                  "x-ml-video.configuredBitrateKbps": 5000, "x-nv-general.featureFlags": 135,
                  "x-nv-general.useReliableUdp": 13,
                  "x-nv-vqos[0].fec.minRequiredFecPackets": 2,
                  "x-nv-video[0].videoEncoderSlicesPerFrame": 1,
                  "x-nv-vqos[0].bitStreamFormat": 0, "x-nv-video[0].maxNumReferenceFrames": 1,
                  "x-nv-audio.surround.numChannels": 2, "x-nv-audio.surround.channelMask": 3,
                  "x-nv-aqos.packetDuration": 5, **changes}
        lines = ["v=0", "o=android 0 14 IN IPv4 127.0.0.1", "s=NVIDIA Streaming Client"]
        lines += [f"a={name}:{value} " for name, value in values.items() if name not in drop]
        body = "\r\n".join(lines + ["t=0 0", f"m=video {self.port + 9}  ", ""])
        return self.rtsp("ANNOUNCE", "streamid=control/13/0", body=body)[0]

    def negotiate(self, **changes):
        """Everything up to PLAY, without a single ping."""
        self.describe()
        self.setup_audio()
        self.setup_rest()
        check(self.announce(**changes) == 200, "ANNOUNCE")
        self.ok("PLAY", "/")

    def connect(self, data=None):
        self.control = Enet(self.port + 10, self.connect_data if data is None else data,
                            self.device.source)
        self.pump_until("the control connection", 10, lambda: self.control.connected)

    def send_ping(self, kind, payload=None, sock=None):
        audio = kind == "audio"
        payload = payload or (self.audio_payload if audio else self.video_payload)
        self.counter += 1
        ping = b"PING" if self.legacy else payload + struct.pack(">I", self.counter)
        (sock or (self.audio if audio else self.video)).sendto(
            ping, ("127.0.0.1", self.port + (11 if audio else 9)))

    def pump(self, seconds, stop=None):
        """Takes what comes for a while, keeping the control connection and the pings up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not (stop and stop()):
            if time.monotonic() >= self.next_ping:
                self.next_ping = time.monotonic() + 0.5
                for kind in self.pinging:
                    self.send_ping(kind)
                if self.control and self.control.connected:
                    self.control.ping()
                elif self.control and not self.control.ended:
                    self.control.connect()  # again, as ENet does
            sockets = [self.audio, self.video] + ([self.control.socket] if self.control else [])
            ready = select.select(sockets, [], [], 0.02)[0]
            if self.control and self.control.socket in ready:
                self.control.receive()
            receive_all(self.audio, self.heard)
            receive_all(self.video, self.seen)

    def pump_until(self, what, seconds, stop):
        self.pump(seconds, stop)
        check(stop(), f"not within {seconds} s: {what}")

    def frames(self):
        return sorted({packet.frame for packet in self.packets()})

    def packets(self):
        return [Packet(datagram.data) for datagram in self.seen]

    def close(self):
        for sock in (self.audio, self.video, self.control):
            if sock:
                sock.close()


class Packet:
    """One video datagram without encryption."""

    def __init__(self, data):
        self.size = len(data)
        self.first, self.kind, self.sequence, self.timestamp, self.ssrc = struct.unpack_from(
            ">BBHII", data)
        stream, self.frame, self.flags, self.extra, _, blocks, fec = struct.unpack_from(
            "<IIBBBBI", data, 16)
        self.stream_low, self.stream = stream & 255, stream >> 8
        self.block, self.last_block = blocks >> 4 & 3, blocks >> 6
        self.shards, self.index, self.percent = fec >> 22, fec >> 12 & 1023, fec >> 4 & 255
        self.payload = data[32:]
        self.is_data = self.index < self.shards


def frame_bytes(packets, number):
    """Frame header and access unit, joined from the data shards."""
    shards = sorted((p.block, p.index, p.payload) for p in packets
                    if p.frame == number and p.is_data)
    return b"".join(payload for _, _, payload in shards)


def nal_types(frame):
    """Kinds of the NAL units behind the 8 header bytes."""
    unit, kinds, at = frame[8:], [], 0
    while (at := unit.find(b"\0\0\1", at)) >= 0 and at + 3 < len(unit):
        kinds.append(unit[at + 3] & 31)
        at += 3
    return kinds


class Bits:
    """Reads an RBSP, for the few SPS fields that tests look at."""

    def __init__(self, unit):
        clean = unit.replace(b"\0\0\3", b"\0\0")
        self.bits, self.at = "".join(f"{byte:08b}" for byte in clean), 0

    def take(self, count):
        self.at += count
        return int(self.bits[self.at - count:self.at] or "0", 2)

    def golomb(self):
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + (self.take(zeros) if zeros else 0)


def sequence_parameters(frame):
    """(max_num_ref_frames, width and height in macroblocks) of a key frame's SPS."""
    start = frame.index(b"\0\0\1\x67") + 4
    bits = Bits(frame[start:start + 64])
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    if profile in (100, 110, 122, 244):
        check(bits.golomb() == 1, "not 4:2:0")
        bits.golomb(), bits.golomb(), bits.take(1)
        check(bits.take(1) == 0, "scaling lists are not read here")
    bits.golomb()
    order = bits.golomb()
    check(order in (0, 2), "picture order type")
    if order == 0:
        bits.golomb()
    references = bits.golomb()
    bits.take(1)
    return references, bits.golomb() + 1, bits.golomb() + 1
