"""What the proxy adds to a message over a WebSocket: the same message echoed by the server directly and through the proxy, in turn.

    python3 Benchmarks/sockets.py [PAIRS]      bar: p50 under 1 ms

Both connections stay open. A message goes there and back, so what is added is added twice; the table has it for the whole round.
"""

import os
import random
import socket
import sys
import time

from rig import Rig, machine, quantiles, row

SIZES = [("32 bytes", 32), ("1 KiB", 1 << 10), ("16 KiB (a moment of audio)", 16 << 10), ("256 KiB", 256 << 10)]


def exactly(connection, count):
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def head(connection):
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += exactly(connection, 1)
    return data


def header(length, mask=0):
    if length < 126:
        return bytes([0x82, mask | length])
    return bytes([0x82, mask | 126]) + length.to_bytes(2, "big") if length < 65536 else bytes([0x82, mask | 127]) + length.to_bytes(8, "big")


def read_frame(connection):
    start = exactly(connection, 2)
    length = start[1] & 127
    if length > 125:
        length = int.from_bytes(exactly(connection, 2 if length == 126 else 8), "big")
    if start[1] & 128:
        exactly(connection, 4)
    return exactly(connection, length)


def serve():
    """Echoes frames, without unmasking them: that is Python's time, and neither the proxy's nor the network's."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head(connection)
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
        try:
            while True:
                payload = read_frame(connection)
                connection.sendall(header(len(payload)) + payload)
        except (EOFError, ConnectionError):
            os._exit(0)


class Talk:
    def __init__(self, url):
        host, port = url.split("//")[1].split("/")[0].split(":")
        self.connection = socket.create_connection((host, int(port)))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sendall(
            b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a2V5\r\n\r\n")
        assert head(self.connection).startswith(b"HTTP/1.1 101"), url

    def timed(self, payload):
        frame = header(len(payload), 128) + bytes(4) + payload
        started = time.perf_counter()
        self.connection.sendall(frame)
        assert len(read_frame(self.connection)) == len(payload)
        return (time.perf_counter() - started) * 1000


def main(pairs=2000):
    with Rig() as rig:
        _, upstream = rig.start([sys.executable, __file__, "--serve"])
        with open(rig.folder + "/exact.yaml", "w") as file:
            file.write("matching: {mode: exact}\n")
        _, proxy = rig.proxy(upstream + "/v1", "--config", rig.folder + "/exact.yaml", store=":memory:")
        print(f"added time of a message there and back over a WebSocket, {pairs} pairs; {machine()}\n")
        row("message", "direct p50 ms", "added p50 ms", "p95", "p99")
        row(*["---"] * 5)
        direct, through = Talk(upstream), Talk(proxy)
        for label, size in SIZES:
            base, added = [], []
            for number in range(pairs + 50):
                payload = random.randbytes(size)
                # Who goes first alternates, so that neither always finds the processor warm.
                order = [direct, through] if number % 2 else [through, direct]
                times = {talk: talk.timed(payload) for talk in order}
                if number >= 50:
                    base.append(times[direct])
                    added.append(times[through] - times[direct])
            row(label, f"{quantiles(base)[0]:.3f}", *(f"{value:.3f}" for value in quantiles(added)))


if __name__ == "__main__":
    serve() if "--serve" in sys.argv else main(*(int(argument) for argument in sys.argv[1:]))
