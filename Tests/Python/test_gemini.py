"""The real `google-genai` package before a scripted provider: every answer twice, in both forms, from one entry."""

import asyncio
import json
import socket

import pytest
from conftest import THRESHOLD
from google import genai
from google.genai import errors, types

KEY = "AIza-secret-of-a-client"
MODEL = "gemini-2.5-flash"
TOOL = types.Tool(function_declarations=[types.FunctionDeclaration(name="weather", parameters={"type": "OBJECT", "properties": {"city": {"type": "STRING"}}})])


def connect(proxy, key=KEY, version="v1beta"):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=proxy.url, api_version=version))


@pytest.fixture
def client(through):
    return connect(through)


def cache(answer):
    # The asynchronous client keeps the fields as they were written.
    return {name.lower(): value for name, value in answer.sdk_http_response.headers.items()}["x-cache"]


def said(chunks):
    """What chunks say, or the one chunk of a plain answer: for each candidate its parts, texts of a kind joined, and why it ended."""
    candidates = {}
    for chunk in chunks:
        for candidate in chunk.candidates or []:
            known = candidates.setdefault(candidate.index or 0, {"parts": [], "finish": None})
            for part in (candidate.content.parts or []) if candidate.content else []:
                value = part.model_dump(exclude_none=True)
                last = known["parts"][-1] if known["parts"] else {}
                if set(value) <= {"text", "thought"} and set(last) == set(value):
                    last["text"] += value["text"]
                else:
                    known["parts"].append(value)
            known["finish"] = candidate.finish_reason or known["finish"]
    return candidates


PROMPTS = {
    "text": {}, "[think] text": {}, "[tool] two calls": {"tools": [TOOL]}, "[tool] [think] two calls": {"tools": [TOOL]}, "[picture]": {},
    "three": {"candidate_count": 3}, "[json]": {"response_mime_type": "application/json"},
}


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("first", ["plain", "stream"])
def test_both_ways(client, provider, prompt, first):
    config = types.GenerateContentConfig(
        system_instruction="Be brief.", temperature=0.5, safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True), **PROMPTS[prompt])

    def plain():
        answer = client.models.generate_content(model=MODEL, contents=prompt, config=config)
        return cache(answer), said([answer]), answer.usage_metadata.total_token_count

    def stream():
        chunks = list(client.models.generate_content_stream(model=MODEL, contents=prompt, config=config))
        return cache(chunks[0]), said(chunks), chunks[-1].usage_metadata.total_token_count

    ways = [plain, stream] if first == "plain" else [stream, plain]
    results = [way() for way in [*ways, *ways]]
    assert [result[0] for result in results] == ["MISS", "HIT", "HIT", "HIT"]
    assert all(result[1:] == results[0][1:] for result in results)
    assert results[0][1][0]["finish"] == types.FinishReason.STOP and results[0][1][0]["parts"]
    assert provider.count == 1 and provider.requests[0]["headers"]["x-goog-api-key"] == KEY


def test_a_conversation_and_the_asynchronous_client(client, provider):
    async def run():
        chat = client.aio.chats.create(model=MODEL)
        first = await chat.send_message("hello")
        second = [chunk async for chunk in await chat.send_message_stream("and again")]
        return cache(first), cache(second[0]), said(second)

    one, two = asyncio.run(run()), asyncio.run(run())
    assert one[:2] == ("MISS", "MISS") and two[:2] == ("HIT", "HIT") and one[2] == two[2] and provider.count == 2


def test_another_wording(start, provider):
    client = connect(start(config=THRESHOLD, upstream=provider.url))
    ask = lambda text, model=MODEL: client.models.generate_content(model=model, contents=text)
    first = ask("How do I reset my password?")
    again = ask("How can I reset my password?")
    assert cache(first) == "MISS" and again.sdk_http_response.headers["x-cache-match"] == "semantic" and again.text == first.text
    streamed = list(client.models.generate_content_stream(model=MODEL, contents="How can I reset my password?"))
    assert cache(streamed[0]) == "HIT" and "".join(chunk.text for chunk in streamed) == first.text
    # Another model, and other instructions, are another scope.
    assert cache(ask("How can I reset my password?", "gemini-2.5-pro")) == "MISS"
    other = client.models.generate_content(
        model=MODEL, contents="How could I reset my password?", config=types.GenerateContentConfig(system_instruction="Answer in verse."))
    assert cache(other) == "MISS" and provider.count == 3


def test_embeddings(client, provider):
    ask = lambda texts, **config: client.models.embed_content(model="gemini-embedding-001", contents=texts, config=types.EmbedContentConfig(**config))
    one, again = ask("hello"), ask("hello")
    assert one.embeddings == again.embeddings and cache(again) == "HIT"
    several = ask(["a", "b"], output_dimensionality=4)
    assert ask(["a", "b"], output_dimensionality=4).embeddings == several.embeddings and [len(each.values) for each in several.embeddings] == [4, 4]
    assert cache(ask(["b", "a"], output_dimensionality=4)) == "MISS" and cache(ask("hello", task_type="RETRIEVAL_QUERY")) == "MISS"
    assert provider.count == 4
    single = client._api_client.request
    assert single("post", "models/e:embedContent", {"content": {"parts": [{"text": "x"}]}}).headers["x-cache"] == "MISS"
    assert single("post", "models/e:embedContent", {"content": {"parts": [{"text": "x"}]}}).headers["x-cache"] == "HIT"


def test_what_is_not_kept(client, through, provider):
    ask = lambda text, **config: client.models.generate_content(model=MODEL, contents=text, config=types.GenerateContentConfig(**config))
    for _ in range(2):
        assert ask("[blocked] x").prompt_feedback.block_reason == types.BlockedReason.SAFETY
        assert ask("[filter] x").candidates[0].finish_reason == types.FinishReason.SAFETY
        assert ask("state", cached_content="cachedContents/1").sdk_http_response.headers["x-cache-reason"] == "stateful"
        assert client.models.count_tokens(model=MODEL, contents="count me").total_tokens == 8
    assert provider.count == 8 and through.stats["entries"] == 0
    # A stream that is one array goes through as it comes, though the same is cached as events.
    body = {"contents": [{"parts": [{"text": "an array"}]}]}
    answer = through.request("POST", f"/v1beta/models/{MODEL}:streamGenerateContent", body)
    assert answer.cache == "BYPASS" and answer.headers["Content-Type"] == "application/json" and len(answer.json) == 6


def test_the_key_says_whose_the_answer_is(through, provider):
    body = {"contents": [{"parts": [{"text": "whose?"}]}]}
    path = f"/v1beta/models/{MODEL}:generateContent"
    ask = lambda query="", **fields: through.request("POST", path + query, body, fields)
    assert ask(**{"x-goog-api-key": KEY}).cache == "MISS"
    # In the query it is the same key, wherever it stands there, and goes on to the provider as it came.
    assert ask(f"?key={KEY}").cache == "HIT" and ask(f"?alt=json&key={KEY}").cache == "HIT"
    assert ask("?key=another").cache == "MISS" and ask().cache == "MISS" and ask(**{"x-goog-api-key": "another"}).cache == "HIT"
    assert [call["path"] for call in provider.requests] == [path, path + "?key=another", path]
    assert ask(f"?key={KEY}", **{"Cache-Control": "no-store"}).cache == "BYPASS"


def test_the_key_is_nowhere(start, provider, tmp_path):
    proxy = start(upstream=provider.url, config="matching: {mode: exact}\nlog:\n  level: debug\n  access_file: access.log\n  access_content: answers\n")
    body = {"contents": [{"parts": [{"text": "where?"}]}]}
    for path in (f"models/{MODEL}:generateContent", f"models/{MODEL}:streamGenerateContent", f"models/{MODEL}:countTokens", "files/../x"):
        proxy.request("POST", f"/v1beta/{path}?alt=sse&key={KEY}", body)
    metrics, entries = proxy.request("GET", "/metrics").body, proxy.request("GET", "/cache/entries").body
    assert proxy.request("GET", "/cache/entries").json["entries"]
    proxy.stop()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"where?" in written
    for place in (written, proxy.errors.encode(), metrics, entries):
        assert KEY.encode() not in place


def test_a_key_that_this_proxy_gave_out(start, provider):
    proxy = start(
        upstream=provider.url, env={"MOBILE": KEY, "GOOGLE": "AIza-of-the-house"},
        config="auth:\n  clients:\n    mobile: {key_env: MOBILE, models: [gemini-2.5-*]}\nupstream:\n  headers_env: {x-goog-api-key: GOOGLE}\n")
    ask = lambda client, model=MODEL: client.models.generate_content(model=model, contents="hello")
    assert cache(ask(connect(proxy))) == "MISS"
    for refused, status in ((lambda: ask(connect(proxy, "wrong")), 401), (lambda: ask(connect(proxy), "gemini-1.0"), 403)):
        with pytest.raises(errors.ClientError) as error:
            refused()
        assert error.value.code == status and error.value.status == {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}[status]
    answer = proxy.request("POST", f"/v1beta/models/{MODEL}:countTokens?key={KEY}&x=1", {"contents": [{"parts": [{"text": "n"}]}]})
    assert answer.status == 200
    # The client's own stays here, in whatever form it came.
    assert [call["headers"]["x-goog-api-key"] for call in provider.requests] == ["AIza-of-the-house"] * 2
    assert provider.requests[-1]["path"] == f"/v1beta/models/{MODEL}:countTokens?x=1"


def test_errors_are_googles(client, through, provider):
    with pytest.raises(errors.ServerError) as error:
        client.models.generate_content(
            model=MODEL, contents="only here", config=types.GenerateContentConfig(http_options=types.HttpOptions(headers={"Cache-Control": "only-if-cached"})))
    assert error.value.code == 504 and error.value.status == "DEADLINE_EXCEEDED" and "only-if-cached" in error.value.message
    provider.stop()
    provider.server.server_close()
    with pytest.raises(errors.ServerError) as error:
        client.models.count_tokens(model=MODEL, contents="nobody")
    assert error.value.code == 502 and error.value.status == "UNAVAILABLE"


def test_routes_and_bases(start, provider):
    """By path and by model, and a base URL with a version of its own; the default upstream has nobody behind it."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        base = provider.url.removesuffix("/v1")
        proxy = start(
            upstream=f"http://127.0.0.1:{nobody.getsockname()[1]}/v1",
            config=f"upstreams:\n  google: {{base_url: {base}/google/v1beta, paths: ['/v1beta/*']}}\n  old: {{base_url: {base}/v1, models: [gemini-1*]}}\n")
        assert connect(proxy).models.generate_content(model=MODEL, contents="hi").text
        assert provider.requests[-1]["path"] == f"/google/v1beta/models/{MODEL}:generateContent"
        assert connect(proxy, version="v1").models.generate_content(model="gemini-1.5", contents="hi").text
        assert provider.requests[-1]["path"] == "/v1/models/gemini-1.5:generateContent"


def test_warming(through, provider, tmp_path):
    path = f"/v1beta/models/{MODEL}:generateContent"
    body = lambda text: {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    lines = [{"url": path, "body": body("known"), "answer": {"candidates": [{"content": {"parts": [{"text": "As told."}], "role": "model"}, "finishReason": "STOP"}]}}, {"url": path, "body": body("to be asked")}]
    (tmp_path / "warm.jsonl").write_text("\n".join(map(json.dumps, lines)))
    done = through.run("warm", "warm.jsonl")
    assert done.returncode == 0, done.stderr
    assert provider.count == 1
    answers = [through.request("POST", path, body(text)) for text in ("known", "to be asked")]
    assert [answer.cache for answer in answers] == ["HIT", "HIT"] and answers[0].json["candidates"][0]["content"]["parts"] == [{"text": "As told."}]
    explained = through.request("POST", f"/cache/explain?endpoint={path}", body("known"))
    assert explained.json["decision"] == "exact hit"
