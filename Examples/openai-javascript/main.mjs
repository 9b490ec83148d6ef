// OpenAI's chat completions in JavaScript, by plain fetch: no package is needed, Node 18 or newer is enough.
//
//     REPRISE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=... node main.mjs
//
// With OpenAI's own package the change is one line: new OpenAI({ baseURL: "http://127.0.0.1:8080/v1" }).

const base = process.env.REPRISE_URL ?? "http://127.0.0.1:8080/v1";
const model = process.env.MODEL ?? "gpt-4o-mini";

function post(question, more = {}) {
  return fetch(`${base}/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${process.env.OPENAI_API_KEY ?? "none"}` },
    body: JSON.stringify({ model, messages: [{ role: "user", content: question }], ...more }),
  });
}

async function ask(question) {
  const started = performance.now();
  const response = await post(question);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error?.message ?? response.statusText);
  console.log(`${question}\n  ${response.headers.get("cache-status")}  (${(performance.now() - started).toFixed(1)} ms)`);
  console.log(`  ${answer.choices[0].message.content}\n`);
}

async function stream(question) {
  const response = await post(question, { stream: true });
  console.log(`${question} (streamed)\n  ${response.headers.get("cache-status")}`);
  process.stdout.write("  ");
  const decoder = new TextDecoder();
  let waiting = "";
  for await (const chunk of response.body) {
    waiting += decoder.decode(chunk, { stream: true });
    const events = waiting.split("\n\n");
    waiting = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data !== "[DONE]") process.stdout.write(JSON.parse(data).choices[0]?.delta.content ?? "");
    }
  }
  console.log("\n");
}

await ask("How do I reset my password?");
await ask("How can I reset my password?");
await stream("How do I reset my password?");
