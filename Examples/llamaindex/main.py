"""LlamaIndex in front of Reprise: its OpenAI class with another base URL.

    pip install llama-index-llms-openai
    REPRISE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=... python main.py
"""

import os
import time

import httpx
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai import OpenAI

seen = []
llm = OpenAI(
    model=os.environ.get("MODEL", "gpt-4o-mini"), api_base=os.environ.get("REPRISE_URL", "http://127.0.0.1:8080/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "none"),
    # Only to show what the cache says; an application needs api_base alone.
    http_client=httpx.Client(event_hooks={"response": [lambda response: seen.append(response.headers.get("cache-status"))]}))


def ask(question):
    started = time.perf_counter()
    answer = llm.chat([ChatMessage(role="system", content="You answer in one sentence."), ChatMessage(role="user", content=question)])
    print(f"{question}\n  {seen[-1]}  ({(time.perf_counter() - started) * 1000:.1f} ms)\n  {answer.message.content}\n")


ask("How do I reset my password?")
ask("How can I reset my password?")

print("How can I reset my password? (streamed)\n  ", end="")
for piece in llm.stream_chat([ChatMessage(role="system", content="You answer in one sentence."), ChatMessage(role="user", content="How can I reset my password?")]):
    print(piece.delta or "", end="", flush=True)
print(f"\n  {seen[-1]}")
