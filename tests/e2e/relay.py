"""An impairing relay: listens on one loopback address on a host's ports and forwards to another.

TCP passes untouched. UDP from the host to the client suffers loss, bursts, duplication, reordering
and delay; the control channel, which repairs itself, only loss and delay. Everything is drawn from
one seeded generator."""
import heapq
import random
import select
import socket
import threading
import time

TCP_OFFSETS = (-5, 0, 21)
UDP_OFFSETS = {"video": 9, "control": 10, "audio": 11}


class Impairment:
    """loss: share of datagrams lost alone; burst: (share of datagrams that start a burst, its mean
    length); duplicate and reorder: shares; delay_s: one way."""

    def __init__(self, loss=0.0, burst=(0.0, 0), duplicate=0.0, reorder=0.0, delay_s=0.0, seed=1):
        self.loss, self.burst, self.duplicate = loss, burst, duplicate
        self.reorder, self.delay_s = reorder, delay_s
        self.random = random.Random(seed)
        self.in_burst = 0
        self.seen = self.dropped = self.doubled = self.late = 0

    def deliveries(self, whole=True):
        """Times from now at which copies of one datagram arrive; none when it is lost."""
        self.seen += 1
        if whole and self.in_burst > 0:
            self.in_burst -= 1
            self.dropped += 1
            return []
        if whole and self.burst[0] and self.random.random() < self.burst[0]:
            self.in_burst = self.random.randint(1, 2 * self.burst[1] - 1) - 1
            self.dropped += 1
            return []
        if self.random.random() < self.loss:
            self.dropped += 1
            return []
        at = self.delay_s
        if whole and self.random.random() < self.reorder:
            self.late += 1
            at += self.random.uniform(0.0002, 0.002)
        if whole and self.random.random() < self.duplicate:
            self.doubled += 1
            return [at, at + 0.0005]
        return [at]


class Relay:
    def __init__(self, listen, target, port, impairment):
        self.listen, self.target, self.port = listen, target, port
        self.impairment = impairment
        self.queue, self.sequence = [], 0
        self.udp, self.upstream, self.clients = {}, {}, {}
        self.servers = []
        self.stopping = False
        for offset in TCP_OFFSETS:
            server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((listen, port + offset))
            server.listen(32)
            self.servers.append((server, port + offset))
        for name, offset in UDP_OFFSETS.items():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sock.bind((listen, port + offset))
            sock.setblocking(False)
            self.udp[sock] = (name, port + offset)
        self.threads = [threading.Thread(target=self._run_udp, daemon=True)]
        for server, to in self.servers:
            self.threads.append(threading.Thread(target=self._accept, args=(server, to),
                                                 daemon=True))
        for thread in self.threads:
            thread.start()

    def close(self):
        self.stopping = True
        for server, _ in self.servers:
            server.close()

    def _accept(self, server, to):
        while not self.stopping:
            try:
                near, _ = server.accept()
                far = socket.create_connection((self.target, to))
            except OSError:
                return
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    @staticmethod
    def _copy(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _upstream_for(self, sock, client):
        key = (sock, client)
        if key not in self.clients:
            far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            far.connect((self.target, self.udp[sock][1]))
            far.setblocking(False)
            self.clients[key] = far
            self.upstream[far] = (sock, client)
        return self.clients[key]

    def _schedule(self, send, data, name):
        for at in self.impairment.deliveries(whole=name != "control"):
            self.sequence += 1
            heapq.heappush(self.queue, (time.monotonic() + at, self.sequence, send, data))

    def _receive(self, sock):
        while True:
            try:
                data, source = sock.recvfrom(65536)
            except OSError:
                return
            if sock in self.udp:
                far = self._upstream_for(sock, source)
                heapq.heappush(self.queue, (time.monotonic() + self.impairment.delay_s,
                                            self.sequence, far.send, data))
                self.sequence += 1
            else:
                near, client = self.upstream[sock]
                name = self.udp[near][0]
                self._schedule(lambda d, n=near, c=client: n.sendto(d, c), data, name)

    def _run_udp(self):
        while not self.stopping:
            wait = 0.1
            if self.queue:
                wait = max(0.0, min(wait, self.queue[0][0] - time.monotonic()))
            ready, _, _ = select.select(list(self.udp) + list(self.upstream), [], [], wait)
            for sock in ready:
                self._receive(sock)
            now = time.monotonic()
            while self.queue and self.queue[0][0] <= now:
                _, _, send, data = heapq.heappop(self.queue)
                try:
                    send(data)
                except OSError:
                    pass
