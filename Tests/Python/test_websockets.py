"""WebSockets through the proxy, with a real client and a real server."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import ssl
import threading
import time

import pytest
import websockets.exceptions
from conftest import wait_for
from test_tls import make
from websockets.sync.client import connect
from websockets.sync.server import serve


class Socketed:
    """A WebSocket server in this process; `talk(connection)` is one conversation, by default an echo."""

    def __init__(self, talk=None, tls=None, refuse=None):
        self.talk = talk or self.echo
        self.requests, self.closes, self.connections = [], [], []

        def handle(connection):
            self.connections.append(connection)
            try:
                self.talk(connection)
            finally:
                connection.close()
                self.closes.append((connection.close_code, connection.close_reason))

        def first(connection, request):
            self.requests.append(request)
            return refuse(connection) if refuse else None

        self.server = serve(
            handle, "127.0.0.1", 0, ssl=tls, process_request=first, max_size=None, ping_interval=None,
            select_subprotocol=lambda connection, offered: "realtime" if "realtime" in offered else None)
        self.port = self.server.socket.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @staticmethod
    def echo(connection):
        for message in connection:
            connection.send(message)

    def stop(self):
        self.server.shutdown()
        self.thread.join()


@pytest.fixture
def sockets():
    running = []

    def run(*arguments, **more):
        running.append(Socketed(*arguments, **more))
        return running[-1]

    yield run
    for server in running:
        server.stop()


def dial(proxy, path="/v1/realtime?model=gpt-realtime", **more):
    return connect(proxy.url.replace("http", "ws", 1) + path, max_size=None, ping_interval=None, proxy=None, open_timeout=60, close_timeout=60, **more)


def metric(proxy, name):
    line = next((line for line in proxy.request("GET", "/metrics").body.decode().splitlines() if line.startswith(name + " ")), name + " 0")
    return float(line.split()[-1])


BYPASSES = 'reprise_requests_total{endpoint="other",outcome="bypass",reason="websocket"}'


def test_messages_go_both_ways(start, sockets):
    server = sockets()
    proxy = start(upstream=server.url)
    with dial(proxy, additional_headers={"Authorization": "Bearer sk-1", "OpenAI-Beta": "realtime=v1"}, subprotocols=["realtime"]) as client:
        assert client.subprotocol == "realtime"
        for message in ["hello", "", "é🇫🇷", b"", bytes(range(256)), "x" * 125, "x" * 126, "x" * 65536]:
            client.send(message)
            assert client.recv(timeout=30) == message
        assert client.ping().wait(30)
        client.send(["in ", "three ", "fragments"])
        assert client.recv(timeout=30) == "in three fragments"
        assert metric(proxy, BYPASSES) == 1
    request = server.requests[0]
    assert request.path == "/v1/realtime?model=gpt-realtime" and request.headers["Authorization"] == "Bearer sk-1"
    assert request.headers["OpenAI-Beta"] == "realtime=v1" and request.headers["Host"] == f"127.0.0.1:{server.port}"
    wait_for(lambda: server.closes == [(1000, "")], what="the end")
    assert proxy.stats["requests"]["bypassed"] == 1


def test_the_server_pings_and_speaks_first(start, sockets):
    def talk(connection):
        connection.send("welcome")
        assert connection.ping().wait(30)
        connection.send("alive")

    with dial(start(upstream=sockets(talk).url), "/v1/responses") as client:
        assert [client.recv(timeout=30), client.recv(timeout=30)] == ["welcome", "alive"]


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("code, reason", [(1000, ""), (1001, "away"), (4002, "quota é"), (1011, "x" * 123)])
def test_close_codes(start, sockets, who, code, reason):
    server = sockets(None if who == "client" else lambda connection: connection.close(code, reason))
    with dial(start(upstream=server.url)) as client:
        if who == "client":
            client.close(code, reason)
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            client.recv(timeout=30)
        assert (client.close_code, client.close_reason) == (code, reason)
    wait_for(lambda: server.closes == [(code, reason)], what="the close at the other end")


def test_large_messages(start, sockets):
    server = sockets()
    with dial(start(upstream=server.url)) as client:
        for size in (1 << 20, 16 << 20):
            message = os.urandom(size)
            client.send(message)
            assert client.recv(timeout=120) == message


def test_many_at_once(start, sockets):
    proxy = start(upstream=sockets().url)

    def talk(number):
        with dial(proxy) as client:
            for turn in range(20):
                client.send(f"{number} {turn}")
                assert client.recv(timeout=60) == f"{number} {turn}"

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        for done in [pool.submit(talk, number) for number in range(40)]:
            done.result()
    assert metric(proxy, BYPASSES) == 40


@pytest.mark.parametrize("sides", ["upstream", "client", "both"])
def test_tls(start, sockets, tmp_path, sides):
    make(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    server = sockets(tls=None if sides == "client" else server_side)
    config = "" if sides == "client" else "upstream: {ca_file: cert.pem}\n"
    config += "" if sides == "upstream" else "server: {tls_certificate: cert.pem, tls_key: key.pem}\n"
    proxy = start(upstream=server.url, config=config)
    with dial(proxy, **({} if sides == "upstream" else {"ssl": trust})) as client:
        message = os.urandom(3 << 20)
        for sent in ["hello", message]:
            client.send(sent)
            assert client.recv(timeout=60) == sent
        client.close(4001, "done")
    wait_for(lambda: server.closes == [(4001, "done")], what="the end")


def test_an_upstream_that_is_not_trusted(start, sockets, tmp_path):
    make(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
        dial(start(upstream=sockets(tls=server_side).url))
    assert refusal.value.response.status_code == 502 and b"upstream_tls" in refusal.value.response.body


@pytest.mark.parametrize("status, text", [(401, "no such key"), (429, "too many"), (404, "nothing here"), (503, "x" * 100_000)])
def test_a_refusal_is_passed_on(start, sockets, status, text):
    def refuse(connection):
        response = connection.respond(status, text)
        response.headers["X-Why"] = "because"
        return response

    proxy = start(upstream=sockets(refuse=refuse).url)
    with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
        dial(proxy)
    response = refusal.value.response
    assert response.status_code == status and response.body.decode() == text and response.headers["X-Why"] == "because"
    assert response.headers["X-Cache-Reason"] == "websocket"
    assert metric(proxy, BYPASSES) == 1


def test_nobody_there(start):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy = start(upstream=f"http://127.0.0.1:{nobody.getsockname()[1]}/v1")
        with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
            dial(proxy)
    assert refusal.value.response.status_code == 502 and b"upstream_unreachable" in refusal.value.response.body


def test_keys_that_this_proxy_gave_out(start, sockets):
    server = sockets()
    proxy = start(
        upstream=server.url, env={"ONE": "key-one", "TWO": "key-two", "HOUSE": "sk-house"},
        config="auth:\n  clients:\n    one: {key_env: ONE}\n    two: {key_env: TWO, models: [gpt-realtime*]}\nupstream: {api_key_env: HOUSE}\n")
    ways = [
        {"additional_headers": {"Authorization": "Bearer key-one"}}, {"path": "/v1/realtime?model=m&api-key=key-one"},
        {"subprotocols": ["realtime", "openai-insecure-api-key.key-one"]}, {"additional_headers": {"Authorization": "Bearer key-two"}},
    ]
    for way in ways:
        with dial(proxy, **way) as client:
            client.send("hi")
            assert client.recv(timeout=30) == "hi"
    for request in server.requests:
        assert request.headers["Authorization"] == "Bearer sk-house"
        assert not any("key-one" in text or "key-two" in text for text in [request.path, *request.headers.values()])
    two = {"additional_headers": {"Authorization": "Bearer key-two"}}
    for way, status in [({}, 401), ({"additional_headers": {"Authorization": "Bearer no"}}, 401), ({"path": "/v1/realtime?model=o1", **two}, 403), ({"path": "/v1/responses", **two}, 403)]:
        with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
            dial(proxy, **way)
        assert refusal.value.response.status_code == status
    assert len(server.requests) == len(ways)


def test_limits(start, sockets):
    """A socket takes a place among the calls to the upstream, and gives it back."""
    proxy = start(upstream=sockets().url, config="upstream: {max_connections: 1, queue_limit: 0}\n")
    with dial(proxy) as first:
        with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
            dial(proxy)
        assert refusal.value.response.status_code == 503 and refusal.value.response.headers["Retry-After"] == "1"
        first.send("still here")
        assert first.recv(timeout=30) == "still here"

    def is_free():
        with contextlib.suppress(websockets.exceptions.InvalidStatus):
            with dial(proxy):
                return True

    wait_for(is_free, what="a free place")


def test_requests_in_flight_are_limited(start, sockets):
    proxy = start(upstream=sockets().url, config="server: {max_requests: 1}\n")
    with dial(proxy) as first:
        assert proxy.request("GET", "/v1/models").status == 503
        first.send("still here")
        assert first.recv(timeout=30) == "still here"


class Raw:
    """A server that says what a test has it say, once."""

    def __init__(self, talk):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.head = b""
        self.failure = None

        def run():
            try:
                connection, _ = self.listener.accept()
                with connection:
                    connection.settimeout(120)
                    while b"\r\n\r\n" not in self.head:
                        self.head += connection.recv(1)
                    talk(connection)
            except Exception as error:
                self.failure = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def end(self):
        self.thread.join(120)
        self.listener.close()
        assert self.failure is None


SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\nX-Cookie: a\r\nX-Cookie: b\r\n\r\n"
ASKED = b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: proxy\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: a2V5\r\nX-Mine: 1\r\n\r\n"


def read_to_end(connection):
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


@pytest.mark.parametrize("slow", ["server", "client"])
def test_slow_peers_slow_the_other_side_down(start, slow):
    """What the slow side does not take stays with the sender, and not in the proxy's memory."""
    going, sent, taken = threading.Event(), [0], [0]
    total, piece = 256 << 20, bytes(1 << 20)

    def pour(connection):
        # One frame that is as long as all that follows.
        sent[0] += connection.send(b"\x82\x7f" + (total - 10).to_bytes(8))
        while sent[0] < total:
            sent[0] += connection.send(piece[:total - sent[0]])
        connection.shutdown(socket.SHUT_WR)

    def take(connection):
        assert going.wait(120)
        while read := len(connection.recv(1 << 20)):
            taken[0] += read

    server = Raw(lambda connection: (connection.sendall(SWITCHED), (take if slow == "server" else pour)(connection)))
    proxy = start(upstream=server.url, config="server: {write_timeout: 120s}\n")
    resident = lambda: int(open(f"/proc/{proxy.process.pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with socket.create_connection((proxy.host, proxy.port), timeout=120) as client:
        before = resident()
        client.sendall(ASKED)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        worker = threading.Thread(target=pour if slow == "server" else take, args=[client])
        worker.start()

        def stands():
            count = sent[0]
            time.sleep(1)
            return count if count == sent[0] and count > 0 else 0

        # Sent is what fits into the buffers on the way, and then nothing more.
        assert wait_for(stands, what="a standstill") < total / 4
        assert resident() - before < 32 << 20
        going.set()
        worker.join(120)
        server.end()
    assert sent[0] == taken[0] == total


def test_bytes_that_come_with_the_head_and_halves_that_close(start):
    """The upstream's first words stand in one packet with its agreement; a client that has said all still hears the rest."""
    heard = []

    def talk(connection):
        connection.sendall(SWITCHED + b"\x81\x05early")
        heard.append(read_to_end(connection))
        connection.sendall(b"\x81\x04late" + b"\x88\x00")

    server = Raw(talk)
    proxy = start(upstream=server.url)
    with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
        client.sendall(ASKED)
        data = b""
        while not data.endswith(b"early"):
            data += client.recv(65536)
        client.sendall(b"\x81\x80abcd")
        client.shutdown(socket.SHUT_WR)
        data += read_to_end(client)
    server.end()
    assert heard == [b"\x81\x80abcd"]
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "http/1.1 101 switching protocols" and rest == b"\x81\x05early\x81\x04late\x88\x00"
    for line in ["upgrade: websocket", "connection: upgrade", "sec-websocket-accept: x", "x-cookie: a", "x-cookie: b", "x-cache: bypass", "x-cache-reason: websocket"]:
        assert line in lines, line
    assert not any(line.startswith(("transfer-encoding", "content-length")) for line in lines)
    sent = server.head.decode().split("\r\n")
    assert sent[0] == "GET /v1/realtime?model=m HTTP/1.1" and "Upgrade: websocket" in sent and "Connection: Upgrade" in sent
    assert "X-Mine: 1" in sent and "Sec-WebSocket-Key: a2V5" in sent


def test_who_only_listens_does_not_do_so_for_ever(start):
    """A client that ended its side may be gone: an upstream that does not care must not hold the socket."""
    cut = threading.Event()

    def talk(connection):
        connection.sendall(SWITCHED)
        with contextlib.suppress(ConnectionError):
            assert read_to_end(connection) == b""
        # The other side is over, and nothing is said of it; that the connection is gone shows when it is written to.
        with contextlib.suppress(ConnectionError):
            while True:
                connection.sendall(b"\x89\x00")
                time.sleep(0.1)
        cut.set()

    server = Raw(talk)
    proxy = start(upstream=server.url, config="server: {write_timeout: 1s}\n")
    with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
        client.sendall(ASKED)
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client).startswith(b"HTTP/1.1 101")
    assert cut.wait(30)
    server.end()


def test_silence_is_no_fault(start, sockets):
    """None of the times that end an idle connection, or an answer that stalls, is meant for a socket."""
    proxy = start(
        upstream=sockets().url,
        config="server: {idle_timeout: 1s, read_timeout: 1s, write_timeout: 1s}\nupstream: {first_byte_timeout: 1s, silence_timeout: 1s, connect_timeout: 1s}\n")
    with dial(proxy) as client:
        for _ in range(2):
            time.sleep(2.5)
            client.send("still here")
            assert client.recv(timeout=30) == "still here"


def test_googles_live_socket(start, sockets):
    server = sockets()
    path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k"
    with dial(start(upstream=server.url), path) as client:
        client.send(b'{"setup":{}}')
        assert client.recv(timeout=30) == b'{"setup":{}}'
    assert server.requests[0].path == path


@pytest.mark.parametrize("who", ["client", "upstream"])
def test_one_side_is_gone(start, who):
    """Who is cut off takes the other side along, and leaves nothing behind."""
    gone = threading.Event()

    def talk(connection):
        connection.sendall(SWITCHED)
        if who == "upstream":
            connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            with contextlib.suppress(ConnectionError):
                assert read_to_end(connection) == b"x"
            gone.set()

    server = Raw(talk)
    proxy = start(upstream=server.url)
    with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
        client.sendall(ASKED)
        assert client.recv(65536).startswith(b"HTTP/1.1 101")
        client.sendall(b"x")
        if who == "client":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            with contextlib.suppress(ConnectionError):
                assert read_to_end(client) == b""
            gone.set()
    assert gone.wait(30)
    server.end()


def test_silence_before_the_answer(start):
    server = Raw(lambda connection: read_to_end(connection))
    proxy = start(upstream=server.url, config="upstream: {first_byte_timeout: 1s}\n")
    with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
        dial(proxy)
    assert refusal.value.response.status_code == 504 and b"upstream_timeout" in refusal.value.response.body
    server.end()


def test_silence_before_tls(start):
    """The time that a connection may take is that of its TLS, too."""
    quiet = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: (listener.accept(), quiet.wait(60)), daemon=True).start()
        proxy = start(upstream=f"https://127.0.0.1:{listener.getsockname()[1]}/v1", config="upstream: {connect_timeout: 1s, retries: 0}\n")
        with pytest.raises(websockets.exceptions.InvalidStatus) as refusal:
            dial(proxy)
        quiet.set()
    assert refusal.value.response.status_code == 504 and b"connecting" in refusal.value.response.body


def test_a_fallback_takes_over(start, sockets):
    """Until the provider has agreed nothing of the conversation is touched, so the next one can be asked."""
    server = sockets()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy = start(
            upstream=f"http://127.0.0.1:{nobody.getsockname()[1]}/v1",
            config=f"upstream: {{retries: 0, fallback: second}}\nupstreams:\n  second: {{base_url: {server.url}}}\n")
        with dial(proxy, additional_headers={"Authorization": "Bearer sk-1"}, path="/v1/realtime?model=m&api-key=sk-2") as client:
            client.send("hello")
            assert client.recv(timeout=30) == "hello"
    # On another host nobody's key is shown.
    assert server.requests[0].path == "/v1/realtime?model=m" and "Authorization" not in server.requests[0].headers


def test_a_route_by_model(start, sockets):
    """The query names the model of a conversation."""
    server = sockets()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy = start(
            upstream=f"http://127.0.0.1:{nobody.getsockname()[1]}/v1", config=f"upstreams:\n  live: {{base_url: {server.url}, models: [gpt-realtime*]}}\n")
        with dial(proxy) as client:
            client.send("hello")
            assert client.recv(timeout=30) == "hello"


def test_shutting_down_says_goodbye(start, sockets):
    """The client is told in the socket's own words, and the server hears its answer."""
    server = sockets()
    proxy = start(upstream=server.url)
    with dial(proxy) as client:
        client.send("hello")
        assert client.recv(timeout=30) == "hello"
        began = time.monotonic()
        proxy.process.send_signal(signal.SIGTERM)
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            client.recv(timeout=30)
        assert client.close_code == 1001
        assert proxy.stop() == 0, proxy.errors
        # Long before the time that a drain may take.
        assert time.monotonic() - began < 20
    wait_for(lambda: server.closes == [(1001, "")], what="the end at the server")


def test_shutting_down_within_a_frame(start):
    """The frame that is underway comes to its end first; what follows it does not."""
    going = threading.Event()

    def talk(connection):
        connection.sendall(SWITCHED + b"\x81\x0ahalf ")
        assert going.wait(30)
        connection.sendall(b"whole\x81\x04more")
        read_to_end(connection)

    server = Raw(talk)
    proxy = start(upstream=server.url)
    with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
        client.sendall(ASKED)
        data = b""
        while not data.endswith(b"half "):
            data += client.recv(65536)
        proxy.process.send_signal(signal.SIGTERM)

        def is_closed():
            try:
                socket.create_connection((proxy.host, proxy.port)).close()
            except ConnectionError:
                return True

        wait_for(is_closed, what="the listener's end")
        # A connection is told of the end in the turn after its listener.
        time.sleep(0.5)
        going.set()
        data = b""
        while not data.endswith(b"\x88\x02\x03\xe9"):
            piece = client.recv(65536)
            assert piece, data
            data += piece
        assert data == b"whole\x88\x02\x03\xe9"
    assert proxy.stop() == 0, proxy.errors
    server.end()


@pytest.mark.parametrize("extra", ["Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", "Upgrade: TLS/1.0\r\nConnection: upgrade\r\n"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/healthz"])
def test_other_protocols_are_not_spoken(start, stand_in, extra, path):
    """The request is answered as if it had not asked, and the connection closed, on which nothing more would be heard."""
    proxy = start()
    body = b'{"model":"m","messages":[{"role":"user","content":"hello"}]}' if path.startswith("/v1") else b""
    method = "POST" if body else "GET"
    for expected in (b"MISS", b"HIT") if body else (b"",):
        with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            data = read_to_end(client)
        assert data.startswith(b"HTTP/1.1 200") and b"connection: close" in data.lower() and expected in data


def test_a_socket_behind_other_requests_on_one_connection(start, sockets):
    proxy = start(upstream=sockets().url)
    with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(ASKED.replace(b"a2V5", b"MDEyMzQ1Njc4OWFiY2RlZg==").replace(b"X-Mine: 1", b"Sec-WebSocket-Version: 13"))
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(65536)
        assert data.startswith(b"HTTP/1.1 101")
        client.sendall(b"\x81\x82\0\0\0\0hi")
        assert client.recv(65536) == b"\x81\x02hi"
