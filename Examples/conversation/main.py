"""Two users ask the same in other words, three turns each: the second one's whole conversation comes from the cache.

    reprise serve &  REPRISE_URL=http://127.0.0.1:8080/v1 python3 main.py
"""

import os
import time

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("REPRISE_URL", "http://127.0.0.1:8080/v1"), api_key=os.environ.get("OPENAI_API_KEY", "sk-example"))
MODEL = os.environ.get("MODEL", "gpt-4o-mini")

USERS = {
    "first": ["How do I reset my password?", "How long is the link valid?", "Can I choose the old password again?"],
    "second": ["How can I reset my password?", "For how long is the link valid?", "May I choose the old password again?"],
}

for name, questions in USERS.items():
    print(f"{name} user")
    messages = []
    for question in questions:
        messages.append({"role": "user", "content": question})
        answer = client.chat.completions.with_raw_response.create(model=MODEL, messages=messages)
        said = answer.parse().choices[0].message.content
        # What the model said goes back as it came: that is how the cache knows the turn again.
        messages.append({"role": "assistant", "content": said})
        print(f"  {question}\n    {answer.headers['cache-status']}")
        # The answer's vector follows behind it.
        time.sleep(0.2)
