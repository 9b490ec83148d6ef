"""Real clients against the proxy before a scripted provider: every answer twice, in both forms, from one entry."""

import asyncio
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # Else importing it fetches a list from the network.

import anthropic
import openai
import pydantic
import pytest
from conftest import THRESHOLD

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
ANTHROPIC_TOOL = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


class Trip(pydantic.BaseModel):
    city: str
    days: int


@pytest.fixture
def client(through):
    return openai.OpenAI(base_url=through.url + "/v1", api_key="sk-test", max_retries=0)


@pytest.fixture
def claude(through):
    return anthropic.Anthropic(base_url=through.url, api_key="sk-ant-test", max_retries=0)


def user(text):
    return [{"role": "user", "content": text}]


def put_together(chunks):
    """What the chunks of a stream say, choice by choice."""
    choices = {}
    for chunk in chunks:
        for choice in chunk.choices:
            said = choices.setdefault(choice.index, {"content": "", "reasoning": "", "calls": {}, "finish": None})
            said["content"] += choice.delta.content or ""
            said["reasoning"] += getattr(choice.delta, "reasoning_content", None) or ""
            for call in choice.delta.tool_calls or []:
                known = said["calls"].setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
                known["arguments"] += call.function.arguments or ""
            said["finish"] = choice.finish_reason or said["finish"]
    return choices


def of_plain(answer):
    return {choice.index: {
        "content": choice.message.content or "", "reasoning": getattr(choice.message, "reasoning_content", None) or "", "finish": choice.finish_reason,
        "calls": {index: {"id": call.id, "name": call.function.name, "arguments": call.function.arguments} for index, call in enumerate(choice.message.tool_calls or [])},
    } for choice in answer.choices}


CHATS = {
    "text": {}, "reasoning [think]": {}, "[tool] two calls": {"tools": [TOOL]}, "three choices": {"n": 3}, "[tool] twice [think]": {"tools": [TOOL], "n": 2},
    "an object": {"response_format": {"type": "json_schema", "json_schema": {"name": "trip", "schema": {"type": "object"}}}},
}


@pytest.mark.parametrize("prompt", CHATS)
@pytest.mark.parametrize("first", ["plain", "stream"])
def test_chat_both_ways(client, provider, prompt, first):
    arguments = {"model": "gpt-test", "messages": user(prompt), **CHATS[prompt]}

    def plain():
        raw = client.chat.completions.with_raw_response.create(**arguments)
        return raw.headers["x-cache"], raw.parse()

    def stream():
        raw = client.chat.completions.with_raw_response.create(**arguments, stream=True, stream_options={"include_usage": True})
        return raw.headers["x-cache"], list(raw.parse())

    if first == "plain":
        (miss, answer), (hit, chunks) = plain(), stream()
        again = plain()[1]
    else:
        (miss, chunks), (hit, answer) = stream(), plain()
        again = plain()[1]
    assert (miss, hit, provider.count) == ("MISS", "HIT", 1)
    assert put_together(chunks) == of_plain(answer)
    assert again == answer
    direct = provider.chat_completions({**arguments, "stream": False})
    assert answer.to_dict() == openai.types.chat.ChatCompletion.model_validate(direct).to_dict() or first == "stream"
    assert answer.usage.total_tokens == chunks[-1].usage.total_tokens == direct["usage"]["total_tokens"]
    assert answer.usage.completion_tokens_details.reasoning_tokens == chunks[-1].usage.completion_tokens_details.reasoning_tokens == 2
    assert {chunk.id for chunk in chunks} == {answer.id} and answer.system_fingerprint == chunks[0].system_fingerprint == "fp_1"


def test_a_hit_is_the_stored_answer_field_by_field(through, provider):
    body = {"model": "m", "messages": user("field by field"), "n": 2}
    stored = through.request("POST", "/v1/chat/completions", body)
    hit = through.request("POST", "/v1/chat/completions", body)
    assert (stored.cache, hit.cache) == ("MISS", "HIT")
    assert hit.body == stored.body and hit.json == provider.chat_completions(body)


def test_the_streams_are_the_same_events(through):
    body = {"model": "m", "messages": user("the same events"), "stream": True, "stream_options": {"include_usage": True}}
    first, second = (through.request("POST", "/v1/chat/completions", body) for _ in range(2))
    assert (first.cache, second.cache) == ("MISS", "HIT") and first.body == second.body
    without = through.request("POST", "/v1/chat/completions", {**body, "stream_options": None})
    assert without.cache == "HIT" and b'"total_tokens"' not in without.body and without.body.endswith(b"data: [DONE]\n\n")


def test_structured_output(client, provider):
    for expected in ("MISS", "HIT"):
        raw = client.chat.completions.with_raw_response.parse(model="m", messages=user("a trip [json]"), response_format=Trip)
        assert raw.headers["x-cache"] == expected
        assert raw.parse().choices[0].message.parsed == Trip(city="Paris", days=3)
    answer = client.responses.parse(model="m", input="a trip [json]", text_format=Trip)
    assert client.responses.parse(model="m", input="a trip [json]", text_format=Trip).output_parsed == answer.output_parsed == Trip(city="Paris", days=3)
    assert provider.count == 2


def test_stream_helpers(client):
    def run():
        with client.chat.completions.stream(model="m", messages=user("[tool] stream"), tools=[{**TOOL, "function": {**TOOL["function"], "strict": True}}]) as stream:
            kinds = [event.type for event in stream]
            return kinds, stream.get_final_completion()
    (first, final), (second, again) = run(), run()
    assert first == second and "tool_calls.function.arguments.done" in first
    assert final == again and len(final.choices[0].message.tool_calls) == 2


def test_async(through, provider):
    async def run():
        async with openai.AsyncOpenAI(base_url=through.url + "/v1", api_key="sk-test", max_retries=0) as client:
            plain = await client.chat.completions.create(model="m", messages=user("async"))
            stream = await client.chat.completions.create(model="m", messages=user("async"), stream=True)
            chunks = [chunk async for chunk in stream]
            vectors = await client.embeddings.create(model="e", input=["a", "b"])
            answer = await client.responses.create(model="m", input="async")
            events = [event.type async for event in await client.responses.create(model="m", input="async", stream=True)]
            assert put_together(chunks) == of_plain(plain) and len(vectors.data) == 2
            assert events[-1] == "response.completed" and answer.output_text
    asyncio.run(run())
    assert provider.count == 3


@pytest.mark.parametrize("first", ["plain", "stream"])
@pytest.mark.parametrize("text", ["tell me", "[tool] tell me"])
def test_responses_both_ways(client, provider, first, text):
    arguments = {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}], "instructions": "be brief",
                 "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}]}

    def plain():
        return client.responses.create(**arguments)

    def stream():
        return list(client.responses.create(**arguments, stream=True))

    if first == "plain":
        answer, events = plain(), stream()
    else:
        events, answer = stream(), plain()
    assert provider.count == 1
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"] and kinds[-1] == "response.completed"
    assert events[-1].response == answer and answer.usage.total_tokens == 15
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = "".join(event.delta for event in events if event.type.endswith(".delta"))
    assert deltas == (answer.output[0].arguments if "[tool]" in text else answer.output_text)
    assert stream() == events and plain() == answer
    if first == "stream":
        assert "response.vendor.note" in kinds


def test_stateful_responses_are_not_cached(through, provider):
    for body in ({"model": "m", "input": "go on", "previous_response_id": "resp_1"}, {"model": "m", "input": "go on", "background": True}):
        for _ in range(2):
            assert through.request("POST", "/v1/responses", body).headers["cache-status"] == "reprise; fwd=bypass; detail=stateful"
    assert provider.count == 4


@pytest.mark.parametrize("first", ["plain", "stream"])
@pytest.mark.parametrize("text", ["tell me", "[tool] tell me", "[think] tell me", "[think] and [tool]"])
def test_messages_both_ways(claude, provider, first, text):
    arguments = {"model": "claude-test", "max_tokens": 100, "messages": user(text), "system": "be brief", "tools": [ANTHROPIC_TOOL]}

    def plain():
        raw = claude.messages.with_raw_response.create(**arguments)
        return raw.headers["x-cache"], raw.parse()

    def stream():
        with claude.messages.stream(**arguments) as stream:
            kinds = [event.type for event in stream]
            return kinds, stream.get_final_message()

    if first == "plain":
        (_, answer), (kinds, final) = plain(), stream()
    else:
        (kinds, final), (_, answer) = stream(), plain()
    assert provider.count == 1 and plain()[0] == "HIT"
    assert final.content[0].type == answer.content[0].type
    # What the client puts together of a stream has the same members; it adds some of its own.
    assert [block.to_dict() for block in answer.content] == [{name: value for name, value in block.to_dict().items() if name in dict(expected.to_dict())}
                                                             for block, expected in zip(final.content, answer.content)]
    assert (final.id, final.stop_reason, final.usage.output_tokens, final.usage.input_tokens) == (answer.id, answer.stop_reason, answer.usage.output_tokens, answer.usage.input_tokens)
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop"
    # The credential and the version reach the provider as without a proxy.
    anthropic.Anthropic(base_url=provider.url.removesuffix("/v1"), api_key="sk-ant-test", max_retries=0).messages.create(**arguments)
    seen, direct = ({name.lower(): value for name, value in request["headers"].items()} for request in provider.requests)
    names = {"x-api-key", "authorization", "anthropic-version", "anthropic-beta", "user-agent"}
    assert {name: seen[name] for name in names & set(seen)} == {name: direct[name] for name in names & set(direct)}
    assert "sk-ant-test" in seen.get("x-api-key", seen.get("authorization")) and seen["anthropic-version"]


def test_messages_async(through, provider):
    async def run():
        async with anthropic.AsyncAnthropic(base_url=through.url, api_key="k", max_retries=0) as claude:
            answer = await claude.messages.create(model="c", max_tokens=9, messages=user("async"))
            async with claude.messages.stream(model="c", max_tokens=9, messages=user("async")) as stream:
                assert (await stream.get_final_text()) == answer.content[0].text
    asyncio.run(run())
    assert provider.count == 1


def test_anthropic_errors_have_their_form(claude):
    with pytest.raises(anthropic.BadRequestError) as raised:
        claude.messages.create(model="c", max_tokens=9, messages=user("x"), extra_headers={"X-Cache-TTL": "soon"})
    assert raised.value.body["type"] == "error" and "X-Cache-TTL" in raised.value.body["error"]["message"]


@pytest.mark.parametrize("first", ["plain", "stream"])
def test_completions_both_ways(client, provider, first):
    def plain():
        return client.completions.create(model="m", prompt="once upon")

    def stream():
        return list(client.completions.create(model="m", prompt="once upon", stream=True))

    answer, chunks = (plain(), stream()) if first == "plain" else reversed((stream(), plain()))
    assert provider.count == 1
    assert "".join(chunk.choices[0].text for chunk in chunks) == answer.choices[0].text
    assert chunks[-1].choices[0].finish_reason == answer.choices[0].finish_reason == "stop"


def test_langchain(through, provider):
    from langchain_core.messages import HumanMessage
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    chat = ChatOpenAI(base_url=through.url + "/v1", api_key="sk-test", model="gpt-test", max_retries=0)
    first = chat.invoke([HumanMessage("hello")])
    again = chat.invoke([HumanMessage("hello")])
    assert first.content == again.content and again.usage_metadata["total_tokens"] == first.usage_metadata["total_tokens"] > 0
    assert "".join(chunk.content for chunk in chat.stream([HumanMessage("hello")])) == first.content
    assert provider.count == 1
    bound = chat.bind_tools([{"name": "weather", "description": "", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}])
    calls = bound.invoke("[tool] where").tool_calls
    assert bound.invoke("[tool] where").tool_calls == calls and [call["args"]["city"] for call in calls] == ["Paris", "Oslo"]
    assert chat.with_structured_output(Trip).invoke("[json] a trip") == chat.with_structured_output(Trip).invoke("[json] a trip") == Trip(city="Paris", days=3)
    assert provider.count == 3
    vectors = OpenAIEmbeddings(base_url=through.url + "/v1", api_key="sk-test", model="e", check_embedding_ctx_length=False, max_retries=0)
    assert vectors.embed_documents(["a", "b"]) == [vectors.embed_query("a"), vectors.embed_query("b")]
    assert provider.count == 4


def test_litellm(through, provider):
    import litellm

    litellm.suppress_debug_info = True
    arguments = {"model": "openai/gpt-test", "api_base": through.url + "/v1", "api_key": "sk-test", "messages": user("hello"), "num_retries": 0}
    first = litellm.completion(**arguments)
    again = litellm.completion(**arguments)
    assert first.choices[0].message.content == again.choices[0].message.content and first.id == again.id and provider.count == 1
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in litellm.completion(**arguments, stream=True))
    assert streamed == first.choices[0].message.content and provider.count == 1
    # LiteLLM's own cache controls, as its proxy takes them.
    litellm.completion(**arguments, extra_body={"cache": {"no-cache": True}})
    assert provider.count == 2 and "cache" not in provider.requests[-1]["body"]
    answer = litellm.completion(model="anthropic/claude-test", api_base=through.url, api_key="k", messages=user("hello"), max_tokens=50)
    again = litellm.completion(model="anthropic/claude-test", api_base=through.url, api_key="k", messages=user("hello"), max_tokens=50)
    assert again.choices[0].message.content == answer.choices[0].message.content and again.usage.total_tokens == answer.usage.total_tokens
    assert provider.count == 3
    assert asyncio.run(litellm.acompletion(**arguments)).id == first.id


def test_usage_of_every_stream(start, provider):
    """With recording.stream_usage: always the recorded stream is whole, and a client that did not ask sees none of it."""
    proxy = start(config="matching: {mode: exact}\nrecording: {stream_usage: always}", upstream=provider.url)
    body = {"model": "m", "messages": user("what it cost"), "stream": True}
    live = proxy.request("POST", "/v1/chat/completions", body)
    assert provider.requests[0]["body"]["stream_options"] == {"include_usage": True}
    assert live.cache == "MISS" and b"total_tokens" not in live.body and live.body.endswith(b"data: [DONE]\n\n")
    again = proxy.request("POST", "/v1/chat/completions", body)
    assert again.cache == "HIT" and again.body == live.body
    plain = proxy.request("POST", "/v1/chat/completions", {**body, "stream": False})
    assert plain.cache == "HIT" and plain.json["usage"] == provider.chat_completions({**body, "stream": False})["usage"]
    asked = proxy.request("POST", "/v1/chat/completions", {**body, "stream_options": {"include_usage": True}})
    assert asked.cache == "HIT" and b"total_tokens" in asked.body and provider.count == 1
    assert proxy.stats["saved"]["prompt_tokens"] > 0


REWORDED = ("How do I reset my password?", "How can I reset my password?")


@pytest.mark.parametrize("path,body", [
    ("/v1/messages", lambda text: {"model": "c", "max_tokens": 50, "messages": user(text)}),
    ("/v1/responses", lambda text: {"model": "m", "input": text}),
    ("/v1/responses", lambda text: {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}]}),
    ("/v1/completions", lambda text: {"model": "m", "prompt": text}),
    ("/v1/chat/completions", lambda text: {"model": "m", "messages": user([{"type": "text", "text": text}])}),
])
def test_rewordings_are_found_on_every_endpoint_that_has_words(start, provider, path, body):
    proxy = start(upstream=provider.url, config=THRESHOLD)
    first = proxy.request("POST", path, body(REWORDED[0]))
    again = proxy.request("POST", path, body(REWORDED[1]))
    assert first.cache == "MISS" and again.headers["x-cache-match"] == "semantic" and again.json == first.json
    other = proxy.request("POST", path, {**body(REWORDED[1]), "temperature": 0.5})
    assert other.cache == "MISS" and provider.count == 2
