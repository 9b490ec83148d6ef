"""OpenAI's Python client in front of Reprise: asks a question, asks it in other words, then streams it.

    pip install openai
    REPRISE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=... python main.py
"""

import os
import time

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("REPRISE_URL", "http://127.0.0.1:8080/v1"), api_key=os.environ.get("OPENAI_API_KEY", "none"))
model = os.environ.get("MODEL", "gpt-4o-mini")


def ask(question):
    started = time.perf_counter()
    raw = client.chat.completions.with_raw_response.create(model=model, messages=[{"role": "user", "content": question}])
    milliseconds = (time.perf_counter() - started) * 1000
    print(f"{question}\n  {raw.headers['cache-status']}  ({milliseconds:.1f} ms)\n  {raw.parse().choices[0].message.content}\n")


def stream(question):
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": question}], stream=True, stream_options={"include_usage": True})
    print(f"{question} (streamed)\n  {raw.headers['cache-status']}\n  ", end="")
    for chunk in raw.parse():
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
    print("\n")


ask("How do I reset my password?")
ask("How can I reset my password?")
stream("How do I reset my password?")
