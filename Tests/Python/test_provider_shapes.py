"""Answers in the shapes in which providers send them, read by real clients: the vendors' own packages, and pydantic-ai, which reads events.

The fixtures are pairs: a stream, and the plain answer that it amounts to. A request's model names the pair, so one upstream has them all.
"""

import asyncio
import json
import pathlib
import warnings

import anthropic
import openai
import pytest
from pydantic_ai import messages as said
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.native_tools import CodeExecutionTool, WebSearchTool
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from upstream import Upstream

FIXTURES = pathlib.Path(__file__).parent.parent / "Fixtures/Transcripts/Providers"
PAIRS = sorted(path.stem for path in FIXTURES.glob("*.sse"))
PLAIN = sorted(path.stem for path in FIXTURES.glob("*.json"))
PATHS = {"chat": "/v1/chat/completions", "completion": "/v1/completions", "messages": "/v1/messages", "responses": "/v1/responses"}


def kind(name):
    return name.split("-")[0]


def pieces(data, cut):
    if cut == "bytes":
        return [data[at:at + 1] for at in range(len(data))]
    mark = b"\n\n" if cut == "events" else b"\n"
    return [piece + mark for piece in data.split(mark)[:-1]]


def serve(handler, body):
    """The fixture that the model names; `name@cut` says how a stream is cut on its way."""
    request = json.loads(body)
    name, _, cut = request["model"].partition("@")
    if not request.get("stream"):
        answer = json.loads((FIXTURES / f"{name}.json").read_text())
        # Every provider says what a plain answer cost, also where its streams do not: without that, a stream that is to tell it cannot be made of it.
        if kind(name) == "chat":
            answer.setdefault("usage", {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8})
        return handler.json(answer)
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for piece in pieces((FIXTURES / f"{name}.sse").read_bytes(), cut or "events"):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.flush()
    handler.wfile.write(b"0\r\n\r\n")


@pytest.fixture(scope="module")
def shapes():
    server = Upstream(serve)
    yield server
    server.stop()


@pytest.fixture
def proxy(start, shapes):
    shapes.calls.clear()
    return start(config="matching: {mode: exact}", upstream=shapes.url)


def ask(proxy, name, stream, **more):
    body = {"model": name, "stream": stream, **more}
    asked = {"responses": {"input": "q"}, "completion": {"prompt": "q"}}
    body |= asked.get(kind(name), {"messages": [{"role": "user", "content": "q"}]})
    if kind(name) == "messages":
        body["max_tokens"] = 100
    return proxy.request("POST", PATHS[kind(name)], body)


# How a stream is cut on its way to the proxy.
CUTS = ["events", "lines", "bytes"]


def plain_of(name):
    value = json.loads((FIXTURES / f"{name}.json").read_text())
    # What a plain answer has of its own beside the message.
    for choice in value.get("choices", []):
        choice.pop("delta", None)
    return value


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", PAIRS)
def test_the_repeat_is_the_same_bytes_and_the_plain_form_the_same_answer(proxy, shapes, name, cut):
    first, again, plain = (ask(proxy, f"{name}@{cut}", stream) for stream in (True, True, False))
    assert (first.cache, again.cache, plain.cache, shapes.count) == ("MISS", "HIT", "HIT", 1)
    assert first.body == again.body == (FIXTURES / f"{name}.sse").read_bytes()
    assert plain.json == plain_of(name)


def test_usage_that_was_asked_for_is_hidden_from_others(proxy, shapes):
    """What one client asked for is none of the others' business; what the provider tells all is."""
    name = "chat-huggingface"
    asked = ask(proxy, name, True, stream_options={"include_usage": True})
    unasked = ask(proxy, name, True)
    assert (asked.cache, unasked.cache) == ("MISS", "HIT")
    assert b'"usage"' in asked.body and b'"usage"' not in unasked.body
    proxy.request("POST", "/cache/flush", {"all": True})
    first, again = ask(proxy, name, True), ask(proxy, name, True)
    assert b'"usage"' in first.body and first.body == again.body


# The vendors' own packages


@pytest.fixture
def client(proxy):
    return openai.OpenAI(base_url=proxy.url + "/v1", api_key="sk-test", max_retries=0)


@pytest.fixture
def claude(proxy):
    return anthropic.Anthropic(base_url=proxy.url, api_key="sk-ant-test", max_retries=0)


def of(names, which):
    return [name for name in names if kind(name) == which]


def stated(value):
    """What an object states: the packages say none where nothing came."""
    return {name: each for name, each in value.items() if each is not None}


# The package takes elements that share an index for one, whoever sends them.
@pytest.mark.parametrize("name", [name for name in of(PLAIN, "chat") if name != "chat-openrouter-openai"])
def test_openai_chat_streams_of_plain_answers(client, name):
    arguments = {"model": name, "messages": [{"role": "user", "content": "q"}]}
    plain = client.chat.completions.create(**arguments).to_dict()
    with client.chat.completions.stream(**arguments, stream_options={"include_usage": True}) as stream:
        assert stream._response.headers["x-cache"] == "HIT"
        for _ in stream:
            pass
        final = stream.get_final_completion().to_dict()
    for choice, other in zip(plain["choices"], final["choices"], strict=True):
        for call in other["message"].get("tool_calls") or []:
            # The package parses the arguments of tools that it knows.
            call.pop("index", None), call["function"].pop("parsed_arguments")
        del other["message"]["parsed"]
        assert stated(other["message"]) == stated(choice["message"])
        assert other["finish_reason"] == choice["finish_reason"]
    assert final.get("usage") == plain.get("usage")


@pytest.mark.parametrize("name", of(PLAIN, "responses"))
def test_openai_responses_streams_of_plain_answers(client, name):
    plain = client.responses.create(model=name, input="q").to_dict()
    with client.responses.stream(model=name, input="q") as stream:
        for event in stream:
            if event.type == "response.function_call_arguments.delta":
                assert event.item_id
        final = stream.get_final_response().to_dict()
    for item, other in zip(plain["output"], final["output"], strict=True):
        assert other["id"]
        item["id"] = other["id"]
        for part in (other.get("content") or []) if other["type"] == "message" else []:
            part.pop("parsed", None)
        if other["type"] == "function_call":
            other.pop("parsed_arguments", None)
    assert final["output"] == plain["output"] and final["usage"] == plain["usage"]


@pytest.mark.parametrize("first", ["plain", "stream"])
@pytest.mark.parametrize("name", of(PAIRS, "messages"))
def test_anthropic_both_ways(claude, name, first):
    arguments = {"model": name, "messages": [{"role": "user", "content": "q"}], "max_tokens": 100}

    def stream():
        with claude.beta.messages.stream(**arguments) as events:
            return events.get_final_message().to_dict()

    def plain():
        return claude.beta.messages.create(**arguments).to_dict()

    one, other = (plain(), stream()) if first == "plain" else (stream(), plain())
    for message in (one, other):
        message["content"] = [stated({**block, "parsed_output": None}) for block in message["content"]]
    assert stated(one) == stated(other)
    if name == "messages-fallback":
        assert one["model"] == "claude-haiku-5-20260901"


# pydantic-ai, which reads events


def model(url, name):
    """The model, and the client to close."""
    if kind(name) == "messages":
        client = anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0)
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client)), client
    client = openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
    kinds = {"chat": OpenAIChatModel, "responses": OpenAIResponsesModel}
    return kinds[kind(name)](name, provider=OpenAIProvider(openai_client=client)), client


def read(url, name, stream):
    """What pydantic-ai makes of the answer."""
    asked = [said.ModelRequest(parts=[said.UserPromptPart("q")])]
    settings = {"openai_continuous_usage_stats": True}
    parameters = ModelRequestParameters()
    if kind(name) == "messages":
        parameters = ModelRequestParameters(native_tools=[WebSearchTool(), CodeExecutionTool()])

    async def run():
        chosen, client = model(url, name)
        async with client:
            if not stream:
                return await model_request(chosen, asked, model_settings=settings, model_request_parameters=parameters)
            async with model_request_stream(chosen, asked, model_settings=settings, model_request_parameters=parameters) as events:
                async for _ in events:
                    pass
                return events.get()

    with warnings.catch_warnings():
        # Kinds of items and events that this version passes over.
        warnings.simplefilter("ignore")
        return [simple(part) for part in asyncio.run(run()).parts]


def simple(part):
    """A part by what it says."""
    value = {"kind": part.part_kind}
    for name in ("content", "tool_name", "tool_call_id", "id", "signature"):
        if getattr(part, name, None) is not None:
            value[name] = getattr(part, name)
    # One that the package gives.
    if value.get("tool_call_id", "").startswith("pyd_ai_"):
        del value["tool_call_id"]
    if hasattr(part, "args"):
        value["args"] = json.loads(part.args) if isinstance(part.args, str) and part.args else part.args or {}
    return value


# The package itself fails at a closing event without `output`, and at a plain message with a fallback.
@pytest.mark.parametrize("name", [
    name for name in PAIRS if kind(name) in ("messages", "responses") and name not in ("responses-no-output", "messages-fallback")])
def test_pydantic_ai_reads_a_made_stream_as_the_recorded_one(proxy, shapes, name):
    recorded = read(shapes.url.removesuffix("/v1"), name, stream=True)
    assert read(proxy.url, name, stream=False) == read(shapes.url.removesuffix("/v1"), name, stream=False)
    calls = shapes.count
    assert read(proxy.url, name, stream=True) == recorded and shapes.count == calls


@pytest.mark.parametrize("name", of(PLAIN, "chat"))
def test_pydantic_ai_reads_the_same_of_both_forms(proxy, shapes, name):
    """Also where the recorded stream itself is one that it cannot read, such as calls that share an index."""
    plain = read(proxy.url, name, stream=False)
    assert read(proxy.url, name, stream=True) == plain and shapes.count == 1


@pytest.mark.parametrize("name", ["responses-no-ids"])
def test_pydantic_ai_reads_calls_without_ids(proxy, shapes, name):
    plain = read(proxy.url, name, stream=False)
    streamed = read(proxy.url, name, stream=True)
    calls = [(part["tool_name"], part["tool_call_id"], part["args"]) for part in streamed if part["kind"] == "tool-call"]
    assert calls == [(part["tool_name"], part["tool_call_id"], part["args"]) for part in plain if part["kind"] == "tool-call"]
    assert [call[2]["city"] for call in calls] == ["Paris", "Oslo"] and shapes.count == 1
