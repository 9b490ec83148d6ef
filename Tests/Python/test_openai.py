"""The real `openai` package, its base URL pointed at the proxy."""

import asyncio
import json

import openai
import pytest
from conftest import THRESHOLD


@pytest.fixture
def proxy(start):
    return start(config=THRESHOLD)


@pytest.fixture
def client(proxy):
    return openai.OpenAI(base_url=proxy.url + "/v1", api_key="sk-test", max_retries=0)


def messages(text):
    return [{"role": "user", "content": text}]


def test_plain(client):
    raw = client.chat.completions.with_raw_response.create(model="m", messages=messages("How do I reset my password?"))
    again = client.chat.completions.with_raw_response.create(model="m", messages=messages("How can I reset my password?"))
    assert raw.headers["x-cache"] == "MISS" and again.headers["x-cache-match"] == "semantic"
    assert again.parse() == raw.parse()
    assert again.parse().usage.total_tokens > 0


def test_stream_with_usage(client):
    def run():
        stream = client.chat.completions.create(model="m", messages=messages("a story"), stream=True, stream_options={"include_usage": True})
        chunks = list(stream)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), chunks[-1].usage

    first, second = run(), run()
    assert first == second and first[0] and first[1].completion_tokens == 12
    plain = client.chat.completions.with_raw_response.create(model="m", messages=messages("a story"))
    assert plain.headers["x-cache"] == "HIT"
    assert plain.parse().choices[0].message.content == first[0]
    assert plain.parse().usage == first[1]


def test_tools_and_choices(client, stand_in):
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {"id": {"type": "string"}}}}}]
    first = client.chat.completions.create(model="m", messages=messages("[tool] find it"), tools=tools)
    call = first.choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments)["id"] == first.id
    streamed = list(client.chat.completions.create(model="m", messages=messages("[tool] find it"), tools=tools, stream=True))
    deltas = [delta for chunk in streamed if chunk.choices for delta in chunk.choices[0].delta.tool_calls or []]
    assert "".join(delta.function.arguments or "" for delta in deltas) == call.function.arguments
    assert deltas[0].id == call.id and deltas[0].function.name == "look_up"
    assert streamed[-1].choices[0].finish_reason == "tool_calls"
    two = client.chat.completions.create(model="m", messages=messages("two please"), n=2)
    assert client.chat.completions.create(model="m", messages=messages("two please"), n=2) == two and len(two.choices) == 2
    assert stand_in.seen["count"] == 2


def test_a_stream_that_was_recorded_answers_a_plain_request(client):
    chunks = list(client.chat.completions.create(model="m", messages=messages("[tool] stream it"), stream=True, n=1, tools=[
        {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]))
    plain = client.chat.completions.with_raw_response.create(model="m", messages=messages("[tool] stream it"), n=1, tools=[
        {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}])
    assert plain.headers["x-cache"] == "HIT"
    message = plain.parse().choices[0].message
    assert json.loads(message.tool_calls[0].function.arguments)["id"] == chunks[0].id
    assert plain.parse().choices[0].finish_reason == "tool_calls"


def test_errors_keep_their_kind(client):
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model="m", messages=messages("[status 429]"))
    assert raised.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="no-such-model", messages=messages("x"))
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="m", messages=[])


def test_leaving_a_stream_at_its_end_keeps_the_answer(client):
    with client.chat.completions.create(model="m", messages=messages("to the end"), stream=True) as stream:
        for chunk in stream:
            if chunk.choices and chunk.choices[0].finish_reason:
                pass
    again = client.chat.completions.with_raw_response.create(model="m", messages=messages("to the end"))
    assert again.headers["x-cache"] == "HIT"


def test_many_at_once(proxy):
    async def run():
        async with openai.AsyncOpenAI(base_url=proxy.url + "/v1", api_key="sk-test", max_retries=0) as client:
            async def ask(number):
                answer = await client.chat.completions.create(model="m", messages=messages(f"question {number}"), seed=number)
                return answer.id
            first = await asyncio.gather(*(ask(number) for number in range(40)))
            second = await asyncio.gather(*(ask(number) for number in range(40)))
            assert first == second and len(set(first)) == 40
    asyncio.run(run())


def test_models_pass_through(client):
    assert client.models.list().data[0].id == "stand-in"
