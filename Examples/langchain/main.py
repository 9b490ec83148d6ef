"""LangChain in front of Reprise: a chain that is asked the same thing in two wordings, plain and streamed.

    pip install langchain-openai
    REPRISE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=... python main.py
"""

import os
import time

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model=os.environ.get("MODEL", "gpt-4o-mini"), base_url=os.environ.get("REPRISE_URL", "http://127.0.0.1:8080/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "none"), include_response_headers=True)
prompt = ChatPromptTemplate.from_messages([("system", "You answer questions about our website in one sentence."), ("user", "{question}")])


def ask(question):
    started = time.perf_counter()
    answer = (prompt | model).invoke({"question": question})
    milliseconds = (time.perf_counter() - started) * 1000
    print(f"{question}\n  {answer.response_metadata['headers']['cache-status']}  ({milliseconds:.1f} ms)\n  {answer.content}\n")


ask("How do I reset my password?")
ask("How can I reset my password?")

print("How can I reset my password? (streamed)\n  ", end="")
for piece in (prompt | model | StrOutputParser()).stream({"question": "How can I reset my password?"}):
    print(piece, end="", flush=True)
print()
