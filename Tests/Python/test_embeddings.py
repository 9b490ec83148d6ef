"""Embeddings are kept one input at a time, whatever batches they came in."""

import concurrent.futures
import json
import threading

import openai
import pytest
from conftest import wait_for
from provider import vector


@pytest.fixture
def client(through):
    return openai.OpenAI(base_url=through.url + "/v1", api_key="sk-test", max_retries=0)


def ask(proxy, items, **more):
    return proxy.request("POST", "/v1/embeddings", {"model": "e", "input": items, **more})


def test_a_batch_asks_for_what_is_not_known(through, provider):
    known = [f"text number {number}" for number in range(60)]
    new = [f"new text {number}" for number in range(40)]
    ask(through, known)
    mixed = [text for pair in zip(known, new) for text in pair] + known[40:]
    answer = ask(through, mixed)
    assert len(mixed) == 100 and provider.requests[-1]["body"]["input"] == new
    assert answer.headers["cache-status"] == 'reprise; fwd=partial; stored; detail="60/100"'
    assert answer.headers["x-cache-reason"] == "partial-batch"
    assert [item["index"] for item in answer.json["data"]] == list(range(100))
    assert [item["embedding"] for item in answer.json["data"]] == [vector(text, 8) for text in mixed]
    tokens = sum(map(len, mixed))
    assert answer.json["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    whole = ask(through, mixed)
    assert whole.cache == "HIT" and whole.json == answer.json and provider.count == 2
    assert through.stats["entries"] == 100
    # What it says is what the provider would have said.
    assert whole.json == provider.embeddings({"model": "e", "input": mixed})


def test_one_and_many_share(through, provider):
    first = ask(through, "alone")
    assert ask(through, ["alone"]).cache == "HIT" and ask(through, "alone").body == first.body
    batch = ask(through, ["alone", "other"])
    assert provider.requests[-1]["body"]["input"] == ["other"] and batch.json["data"][0]["embedding"] == first.json["data"][0]["embedding"]
    assert ask(through, "other").cache == "HIT" and provider.count == 2


def test_the_same_text_twice_is_asked_for_once(through, provider):
    answer = ask(through, ["a", "b", "a", "a"])
    assert provider.requests[-1]["body"]["input"] == ["a", "b"]
    assert [item["embedding"] for item in answer.json["data"]] == [vector(text, 8) for text in "abaa"]
    assert answer.json["usage"]["prompt_tokens"] == 4
    assert ask(through, ["b", "a"]).cache == "HIT"


def test_token_numbers(through, provider):
    ask(through, [[1, 2, 3], [4, 5]])
    answer = ask(through, [4, 5])
    assert answer.cache == "HIT" and answer.json["data"][0]["embedding"] == vector([4, 5], 8) and answer.json["usage"]["prompt_tokens"] == 2
    assert ask(through, [[4], [5]]).cache == "MISS" and ask(through, ["4", "5"]).cache == "MISS"
    assert provider.count == 3


@pytest.mark.parametrize("more", [{"encoding_format": "base64"}, {"dimensions": 16}, {"encoding_format": "base64", "dimensions": 4}])
def test_forms_and_dimensions_have_entries_of_their_own(through, provider, more):
    plain = ask(through, ["a", "b"])
    other = ask(through, ["a", "b"], **more)
    assert (plain.cache, other.cache, provider.count) == ("MISS", "MISS", 2)
    again = ask(through, ["b", "c", "a"], **more)
    assert provider.requests[-1]["body"] == {"model": "e", "input": ["c"], **more}
    assert again.json["data"] == provider.embeddings({"model": "e", "input": ["b", "c", "a"], **more})["data"]


def test_the_client_that_asks_for_base64(client, provider):
    first = client.embeddings.create(model="e", input=["x", "y", "z"])
    again = client.embeddings.create(model="e", input=["z", "x"])
    assert provider.count == 1
    assert [item.embedding for item in again.data] == [first.data[2].embedding, first.data[0].embedding]
    assert first.data[1].embedding == pytest.approx(vector("y", 8))
    assert client.embeddings.create(model="e", input="x", dimensions=3).data[0].embedding == pytest.approx(vector("x", 3))


def test_controls_hold_for_each_input(through, provider):
    headers = {"X-Cache-Namespace": "n", "X-Cache-Tags": "doc:1"}

    def send(items, **more):
        return through.request("POST", "/v1/embeddings", {"model": "e", "input": items}, {**headers, **more})

    send(["a", "b"])
    assert ask(through, ["a", "b"]).cache == "MISS"
    assert send(["b", "c"], **{"Cache-Control": "only-if-cached"}).status == 504
    assert send(["a", "b"], **{"Cache-Control": "only-if-cached"}).status == 200
    assert send(["a", "b"], **{"Cache-Control": "no-cache"}).cache == "MISS" and provider.requests[-1]["body"]["input"] == ["a", "b"]
    assert send(["a", "b"], **{"Cache-Control": "max-age=0"}).cache in ("HIT", "MISS")
    assert through.request("POST", "/cache/flush", {"tag": "doc:1"}).json["removed"] == 2
    assert send(["a", "b"]).cache == "MISS"


def test_equal_batches_in_flight_share_one_call(start, upstream, provider):
    joined = threading.Event()
    upstream.reply = lambda handler, body: handler.json(provider.embeddings(json.loads(body)), gate=joined)
    proxy = start(config="matching: {mode: exact}", upstream=upstream.url)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(ask, proxy, [f"t{number}" for number in range(30)]) for _ in range(16)]
        wait_for(lambda: proxy.stats["requests"]["coalesced"] == 15, what="the last who joins")
        joined.set()
        answers = [call.result() for call in asked]
    assert len({answer.body for answer in answers}) == 1 and answers[0].json["data"][29]["embedding"] == vector("t29", 8)
    assert upstream.count == 1


def test_entries_survive_a_restart_and_can_be_found(start, provider, tmp_path):
    proxy = start(config="matching: {mode: exact}", upstream=provider.url)
    ask(proxy, ["keep this", "and this"])
    proxy.stop()
    proxy = start(config="matching: {mode: exact}", upstream=provider.url)
    assert ask(proxy, "and this").cache == "HIT"
    listed = proxy.request("GET", "/cache/entries?matching=keep").json["entries"]
    assert [entry["query"] for entry in listed] == ["keep this"]


def test_batches_can_be_imported(through, provider):
    answer = provider.embeddings({"model": "e", "input": ["p", "q"]})
    record = {"url": "/v1/embeddings", "method": "POST", "body": {"model": "e", "input": ["p", "q"]}, "response": answer}
    assert through.request("POST", "/cache/warm", json.dumps(record).encode()).json["imported"] == 1
    hit = ask(through, "q")
    assert hit.cache == "HIT" and hit.json["data"][0]["embedding"] == vector("q", 8)


def test_an_answer_that_does_not_fit_is_given_as_it_came(through, provider):
    ask(through, ["a"])
    whole = provider.embeddings

    def short(body):
        answer = whole(body)
        return {**answer, "data": answer["data"][:1]} if len(body["input"]) == 2 else answer

    provider.embeddings = short
    # Of two inputs that are asked for one is answered: the client's own three are asked then.
    answer = ask(through, ["a", "b", "c"])
    assert [len(request["body"]["input"]) for request in provider.requests[-2:]] == [2, 3] and len(answer.json["data"]) == 3
    provider.embeddings = whole


def test_embeddings_pass_through_where_the_operator_wants_it(start, provider):
    proxy = start(config="matching: {mode: exact}\ncache: {embeddings: false}", upstream=provider.url)
    answers = [ask(proxy, ["a", "a"]) for _ in range(2)]
    assert [answer.headers["cache-status"] for answer in answers] == ["reprise; fwd=bypass; detail=path"] * 2
    assert provider.count == 2 and provider.requests[0]["body"]["input"] == ["a", "a"] and proxy.stats["entries"] == 0
