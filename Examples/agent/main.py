"""An agent loop with a tool in front of Reprise. Requests that offer tools are answered from the cache only word for word (matching.semantic_tools), so
an agent that runs twice on the same task costs its model calls once, and one on another task never gets another's tool calls.

    pip install openai
    REPRISE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=... python main.py [TASK ...]
"""

import json
import os
import sys

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("REPRISE_URL", "http://127.0.0.1:8080/v1"), api_key=os.environ.get("OPENAI_API_KEY", "none"))
model = os.environ.get("MODEL", "gpt-4o-mini")
tools = [{
    "type": "function",
    "function": {
        "name": "look_up", "description": "Looks an order up by its id.",
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"], "additionalProperties": False},
    },
}]


def look_up(id):
    return {"id": id, "state": "shipped", "carrier": "post"}


def run(task, most_steps=5):
    """Asks the model, does what it asks for, and goes on until it answers in words."""
    messages = [{"role": "user", "content": task}]
    for step in range(most_steps):
        raw = client.chat.completions.with_raw_response.create(model=model, messages=messages, tools=tools)
        message = raw.parse().choices[0].message
        print(f"  step {step + 1}: {raw.headers['cache-status']}")
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            result = look_up(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    return "no answer"


for task in sys.argv[1:] or ["Where is order 4711?", "Where is order 4711?", "Where is order 4712?"]:
    print(task)
    print(f"  {run(task)}\n")
