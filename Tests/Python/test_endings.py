"""A stream whose provider cuts it at every line: what was said is repeated to the last line feed, and nobody waits for that."""

import http.client
import json
import threading

import pytest
from conftest import wait_for

CHAT = [
    {"id": "c", "object": "chat.completion.chunk", "created": 1790000000, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    for delta, reason in [({"role": "assistant", "content": "say"}, None), ({"content": " [DONE]\n\n"}, None), ({}, "stop")]]
MESSAGES = [
    {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "event: message_stop"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"}]
STREAMS = {
    "/v1/chat/completions": "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in CHAT) + "data: [DONE]\n\n",
    "/v1/messages": "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in MESSAGES),
}


@pytest.mark.parametrize("path", STREAMS)
def test_a_stream_that_is_cut_at_lines_is_repeated_to_its_last_line_feed(start, upstream, path):
    whole = STREAMS[path].encode()
    heard = threading.Semaphore(0)

    def by_lines(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for line in whole.splitlines(keepends=True):
            # The next line once the client has this one: a piece of its own for everybody on the way.
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            handler.wfile.flush()
            heard.acquire(timeout=60)
        handler.wfile.write(b"0\r\n\r\n")

    upstream.reply = by_lines
    proxy = start(upstream=upstream.url)
    request = {"model": "m", "max_tokens": 99, "stream": True, "messages": [{"role": "user", "content": "say it"}]}
    connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=60)
    connection.request("POST", path, json.dumps(request), {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.headers["X-Cache"] == "MISS"
    seen = b""
    for line in whole.splitlines(keepends=True):
        seen += response.read(len(line))
        heard.release()
    assert seen + response.read() == whole
    connection.close()

    again = proxy.request("POST", path, request)
    assert (again.cache, again.body) == ("HIT", whole)
    assert upstream.count == 1


def test_a_client_that_leaves_at_the_last_event_has_its_answer_kept(start, upstream):
    """The provider leaves its connection open: the call is given up, what was said is there for the next who asks."""
    given_up = threading.Event()

    def open_end(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        data = STREAMS["/v1/chat/completions"].encode()
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        handler.wfile.flush()
        try:
            handler.rfile.read(1)
        finally:
            given_up.set()

    upstream.reply = open_end
    proxy = start(upstream=upstream.url)
    request = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "say it"}]}
    connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=60)
    connection.request("POST", "/v1/chat/completions", json.dumps(request), {"Content-Type": "application/json"})
    assert connection.getresponse().read(len(STREAMS["/v1/chat/completions"])).endswith(b"data: [DONE]\n\n")
    connection.close()
    again = proxy.request("POST", "/v1/chat/completions", request)
    assert again.cache == "HIT" and again.body.decode() == STREAMS["/v1/chat/completions"]
    assert upstream.count == 1
    wait_for(given_up.is_set, what="the end of the call")


@pytest.mark.parametrize("stream", [False, True])
def test_a_reason_that_is_not_known_is_not_kept_counted_and_named_once(start, upstream, stream):
    upstream.reply = lambda handler, body: end(handler, "out_of_ideas", stream)
    proxy = start(upstream=upstream.url)
    for _ in range(3):
        answer = proxy.chat("say it", stream=stream)
        assert (answer.status, answer.cache) == (200, "MISS") and b"out_of_ideas" in answer.body
    assert upstream.count == 3
    wait_for(lambda: proxy.stats["not_stored"].get("unknown-finish") == 3, what="three answers that were not kept")
    named = wait_for(lambda: [line for line in proxy.said.splitlines() if "out_of_ideas" in line], what="the word in the log")
    assert len(named) == 1 and json.loads(named[0])["level"] == "warning"
    upstream.reply = lambda handler, body: end(handler, "stop", stream)
    assert [proxy.chat("say it", stream=stream).cache for _ in range(2)] == ["MISS", "HIT"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_with_nothing_in_it_is_not_kept(start, upstream, stream):
    upstream.reply = lambda handler, body: end(handler, "stop", stream, text="")
    proxy = start(upstream=upstream.url)
    assert [proxy.chat("say it", stream=stream).cache for _ in range(2)] == ["MISS", "MISS"]
    wait_for(lambda: proxy.stats["not_stored"].get("empty-answer") == 2, what="two answers that were not kept")


def end(handler, reason, stream, text="Once"):
    """A chat completion that ends so."""
    said = {"role": "assistant", "content": text}
    if not stream:
        return handler.json({"id": "c", "object": "chat.completion", "created": 1790000000, "model": "m", "choices": [{"index": 0, "message": said, "finish_reason": reason}]})
    chunk = {**CHAT[0], "choices": [{"index": 0, "delta": said, "finish_reason": reason}]}
    data = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
