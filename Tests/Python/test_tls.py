"""TLS of the listener: real clients, versions, and certificates that are exchanged, wrong or past their time."""

import concurrent.futures
import json
import shutil
import signal
import socket
import ssl
import subprocess
import time

import httpx
import openai
import pytest
from conftest import command, stop_within_a_stream, wait_for
from upstream import Upstream

CONFIG = "server:\n  tls_certificate: cert.pem\n  tls_key: key.pem\n"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello there"}]}


def make(folder, name="first", days=2, key="ec", certificate_file="cert.pem", key_file="key.pem"):
    """A certificate that signed itself, for 127.0.0.1; `days` of -1 makes one that ended yesterday."""
    kind = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["-newkey", "rsa:2048"]}[key]
    run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
    run("req", "-new", *kind, "-nodes", "-keyout", key_file, "-out", "request.csr", "-subj", f"/CN={name}")
    (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\n")
    run("x509", "-req", "-in", "request.csr", "-signkey", key_file, "-days", str(days), "-extfile", "extensions", "-out", certificate_file)


def trust(folder):
    return ssl.create_default_context(cafile=folder / "cert.pem")


@pytest.fixture
def serve(start, upstream, tmp_path):
    def run(more="", **how):
        proxy = start(upstream=upstream.url, config=CONFIG + more, **how)
        proxy.trust = trust(tmp_path)
        return proxy

    return run


def shown(proxy, folder):
    """The name in the certificate that a new connection is shown."""
    with socket.create_connection((proxy.host, proxy.port), timeout=30) as plain:
        with trust(folder).wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]


def reload(proxy, said):
    """Sends SIGHUP and waits for the line that says what came of it."""
    before = proxy.said.count(said)
    proxy.process.send_signal(signal.SIGHUP)
    wait_for(lambda: proxy.said.count(said) > before, what=said)


@pytest.mark.parametrize("key", ["ec", "rsa"])
def test_clients_speak_https(serve, tmp_path, key):
    make(tmp_path, key=key)
    proxy = serve()
    assert proxy.url.startswith("https://127.0.0.1:")
    client = openai.OpenAI(
        base_url=proxy.url + "/v1", api_key="k", max_retries=0, http_client=httpx.Client(verify=trust(tmp_path), trust_env=False))
    plain = client.chat.completions.with_raw_response.create(**CHAT)
    assert plain.headers["X-Cache"] == "MISS" and plain.parse().choices[0].message.content == "echo: hello there"
    assert client.chat.completions.with_raw_response.create(**CHAT).headers["X-Cache"] == "HIT"
    streamed = client.chat.completions.create(**CHAT, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices).strip() == "echo: hello there"
    assert proxy.stats["requests"]["exact_hits"] == 2
    with socket.create_connection((proxy.host, proxy.port)) as raw:
        context = trust(tmp_path)
        context.set_alpn_protocols(["h2", "http/1.1"])
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as connection:
            assert connection.selected_alpn_protocol() == "http/1.1" and connection.version() == "TLSv1.3"


def test_much_goes_through_whole(serve, upstream, tmp_path):
    make(tmp_path)
    proxy = serve()
    upstream.reply = lambda handler, body: (
        handler.send_response(200), handler.send_header("Content-Length", str(len(body))), handler.end_headers(), handler.wfile.write(body))
    body = bytes(range(256)) * (32 << 10)
    assert proxy.request("POST", "/v1/files", body).body == body


@pytest.mark.parametrize("minimum, spoken, works", [
    ("v1.2", ssl.TLSVersion.TLSv1_1, False), ("v1.2", ssl.TLSVersion.TLSv1_2, True), ("v1.2", ssl.TLSVersion.TLSv1_3, True),
    ("v1.3", ssl.TLSVersion.TLSv1_2, False), ("v1.3", ssl.TLSVersion.TLSv1_3, True),
])
def test_versions(serve, tmp_path, minimum, spoken, works):
    make(tmp_path)
    proxy = serve(f"  min_tls: {minimum}\n")
    context = trust(tmp_path)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = spoken
    proxy.trust = context
    if works:
        assert proxy.request("GET", "/healthz").status == 200
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            proxy.request("GET", "/healthz")


def test_a_new_certificate_is_shown_and_open_connections_go_on(serve, tmp_path):
    make(tmp_path, "first")
    proxy = serve()
    old = proxy.connect()
    old.request("GET", "/healthz")
    assert old.getresponse().read() and shown(proxy, tmp_path) == "first"
    make(tmp_path, "second", key="rsa")
    reload(proxy, "configuration read again")
    assert shown(proxy, tmp_path) == "second"
    old.request("GET", "/healthz")
    assert old.getresponse().status == 200
    # Other files, and another version, by the configuration; nothing of it waits for the next start.
    make(tmp_path, "third", certificate_file="other.pem", key_file="other-key.pem")
    (tmp_path / "test.yaml").write_text("server:\n  tls_certificate: other.pem\n  tls_key: other-key.pem\n  min_tls: v1.3\n")
    reload(proxy, "configuration read again")
    shutil.copy(tmp_path / "other.pem", tmp_path / "cert.pem")
    assert shown(proxy, tmp_path) == "third"
    assert "at the next start" not in proxy.said
    # Whether TLS is spoken at all does.
    (tmp_path / "test.yaml").write_text("")
    reload(proxy, "at the next start")
    assert shown(proxy, tmp_path) == "third"


def nothing(folder):
    (folder / "cert.pem").write_text("no certificate")


def another_key(folder):
    make(folder, "other", certificate_file="unused.pem")


def another_kind_of_key(folder):
    make(folder, "other", key="rsa", certificate_file="unused.pem")


def no_key(folder):
    (folder / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nbm90aGluZw==\n-----END PRIVATE KEY-----\n")


def encrypted_key(folder):
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", "key.pem", "-out", "sealed.pem", "-passout", "pass:x"], check=True, cwd=folder)
    (folder / "sealed.pem").rename(folder / "key.pem")


def gone(folder):
    (folder / "key.pem").unlink()


# What was done to the files, and what must be said.
WRONG = [
    (nothing, "cert.pem: expected a certificate in PEM form"), (another_key, "the key in key.pem is not the one of the certificate in cert.pem"),
    (another_kind_of_key, "the key in key.pem is not the one of the certificate in cert.pem"), (no_key, "key.pem: expected a private key in PEM form"),
    (encrypted_key, "key.pem: expected a private key in PEM form, not encrypted"), (gone, "key.pem cannot be read"),
]
NAMES = [wrong[0].__name__ for wrong in WRONG]


@pytest.mark.parametrize("damage, words", WRONG, ids=NAMES)
def test_a_bad_new_certificate_leaves_the_old_one_and_says_why(serve, tmp_path, damage, words):
    make(tmp_path, "first")
    proxy = serve()
    context = trust(tmp_path)
    damage(tmp_path)
    (tmp_path / "test.yaml").write_text(CONFIG + "cache:\n  ttl: 2h\n")
    reload(proxy, "the old one stays")
    assert words in proxy.said
    proxy.trust = context
    assert proxy.chat("hello").status == 200
    # All of the new configuration waits for a certificate that can be used.
    assert proxy.chat("hello").headers["Cache-Status"].startswith("reprise; hit; ttl=8")


@pytest.mark.parametrize("damage, words", WRONG, ids=NAMES)
def test_a_wrong_pair_is_a_clear_error(tmp_path, damage, words):
    make(tmp_path)
    damage(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    for arguments in (["check"], ["serve", "--port", "0", "--store", ":memory:"]):
        done = command(*arguments, cwd=tmp_path)
        assert done.returncode == 78, done.stderr
        assert "server.tls_certificate: " + words.split(":")[0] in done.stderr and words in done.stderr
    done = command("check", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert done.returncode == 78 and not report["valid"] and words in report["problems"][0]["message"]


@pytest.mark.parametrize("config, place", [
    ("server:\n  tls_certificate: cert.pem\n", "config.yaml:2:"), ("server:\n  host: 127.0.0.1\n  tls_key: key.pem\n", "config.yaml:3:"),
])
def test_half_a_pair_is_an_error(tmp_path, config, place):
    make(tmp_path)
    (tmp_path / "config.yaml").write_text(config)
    done = command("check", cwd=tmp_path)
    assert done.returncode == 78 and place in done.stderr and "tls_certificate and tls_key go together" in done.stderr


def test_a_stale_certificate_is_shown_and_warned_of(serve, tmp_path):
    make(tmp_path, days=-1)
    (tmp_path / "config.yaml").write_text(CONFIG)
    checked = command("check", cwd=tmp_path)
    assert checked.returncode == 0 and "certificate: cert.pem, clients will refuse it: it expired on 20" in checked.stderr
    proxy = serve()
    wait_for(lambda: "clients will refuse the server's certificate" in proxy.said, what="the warning")
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        proxy.request("GET", "/healthz")
    proxy.trust = ssl._create_unverified_context()
    assert proxy.request("GET", "/healthz").status == 200
    make(tmp_path, "renewed")
    reload(proxy, "configuration read again")
    assert shown(proxy, tmp_path) == "renewed"
    assert "certificate: cert.pem, valid until 20" in command("check", cwd=tmp_path).stderr


def test_who_does_not_end_the_handshake_is_cut_off(serve, tmp_path):
    make(tmp_path)
    proxy = serve("  read_timeout: 4s\n")

    def silent_for(*pieces):
        began = time.monotonic()
        with socket.create_connection((proxy.host, proxy.port), timeout=60) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(0.3)
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
        return time.monotonic() - began

    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for taken in pool.map(lambda pieces: silent_for(*pieces), [[], [hello], [hello] + [b"\0"] * 80]):
            assert 3.7 < taken < 20
    assert silent_for(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") < 3.5, "plain HTTP is not TLS"
    assert silent_for(bytes(2000)) < 3.5
    assert proxy.request("GET", "/healthz").status == 200


def test_a_client_that_leaves_ends_its_call(serve, upstream, tmp_path):
    import threading

    gone = threading.Event()

    def endless(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b": wait\n\n")
                time.sleep(0.02)
        except OSError:
            gone.set()

    upstream.reply = endless
    make(tmp_path)
    connection = serve().connect()
    connection.request("POST", "/v1/chat/completions", json.dumps({**CHAT, "stream": True}))
    response = connection.getresponse()
    assert response.read(10)
    response.close()
    connection.close()
    assert gone.wait(30)


def test_sigterm_lets_streams_end(serve, upstream, tmp_path):
    make(tmp_path)
    stop_within_a_stream(serve(), upstream)


def test_clients_beyond_the_limit_are_told(serve, tmp_path):
    make(tmp_path)
    proxy = serve("  max_connections: 1\n")
    first = proxy.connect()
    first.request("GET", "/healthz")
    first.getresponse().read()
    answer = proxy.request("GET", "/healthz")
    assert answer.status == 503 and answer.headers["Retry-After"]
    first.close()
    wait_for(lambda: proxy.request("GET", "/healthz").status == 200)


def test_commands_trust_the_configured_certificate(serve, tmp_path):
    make(tmp_path)
    proxy = serve()
    proxy.chat("hello")
    named = command("stats", "--json", "--server", proxy.url, "--ca-file", "cert.pem", cwd=tmp_path)
    assert named.returncode == 0 and json.loads(named.stdout)["entries"] == 1, named.stderr
    strange = command("stats", "--server", proxy.url, cwd=tmp_path)
    assert strange.returncode == 69 and "certificate" in strange.stderr, strange.stderr
    (tmp_path / "here.yaml").write_text(CONFIG + f"  port: {proxy.port}\n")
    configured = command("stats", "--json", "--config", "here.yaml", cwd=tmp_path)
    assert configured.returncode == 0 and json.loads(configured.stdout)["entries"] == 1, configured.stderr


# The side that faces the provider.
@pytest.fixture
def sealed(tmp_path):
    """An upstream that speaks TLS, up to the version that is asked for."""
    running = []

    def run(maximum=ssl.TLSVersion.TLSv1_3, **how):
        make(tmp_path, **how)
        server = Upstream()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, maximum
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True, do_handshake_on_connect=False)
        server.url = server.url.replace("http:", "https:")
        running.append(server)
        return server

    yield run
    for server in running:
        server.stop()


QUICK = "upstream:\n  retries: 0\n"


def test_a_provider_that_nobody_vouches_for_is_not_spoken_to(start, sealed):
    provider = sealed()
    got = start(upstream=provider.url, config=QUICK).chat("hello")
    assert got.status == 502 and got.json["error"]["code"] == "upstream_tls", got.body
    assert provider.count == 0


def test_an_authority_of_ones_own(start, sealed):
    provider = sealed()
    proxy = start(upstream=provider.url, config=QUICK + "  ca_file: cert.pem\n")
    assert proxy.chat("hello").status == 200 and provider.count == 1


def test_the_providers_name_must_be_in_its_certificate(start, sealed):
    provider = sealed()
    got = start(upstream=provider.url.replace("127.0.0.1", "localhost"), config=QUICK + "  ca_file: cert.pem\n").chat("hello")
    assert got.status == 502 and provider.count == 0


def test_a_stale_certificate_of_the_provider_is_refused(start, sealed):
    provider = sealed(days=-1)
    got = start(upstream=provider.url, config=QUICK + "  ca_file: cert.pem\n").chat("hello")
    assert got.status == 502 and got.json["error"]["code"] == "upstream_tls" and provider.count == 0


@pytest.mark.parametrize("minimum, spoken, works", [
    ("v1.2", ssl.TLSVersion.TLSv1_1, False), ("v1.2", ssl.TLSVersion.TLSv1_2, True), ("v1.3", ssl.TLSVersion.TLSv1_2, False),
    ("v1.3", ssl.TLSVersion.TLSv1_3, True),
])
def test_the_oldest_version_with_the_provider(start, sealed, minimum, spoken, works):
    provider = sealed(maximum=spoken)
    got = start(upstream=provider.url, config=QUICK + f"  ca_file: cert.pem\n  min_tls: {minimum}\n").chat("hello")
    assert got.status == (200 if works else 502) and provider.count == works
