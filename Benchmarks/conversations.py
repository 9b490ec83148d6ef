"""Closed-loop dialogues: two users ask the same in other words, turn by turn, each with the answers that the cache gave.

    python3 Benchmarks/conversations.py CONVERSATIONS.jsonl [MODES]      bar: half of the turns whose earlier turns hit, no trap

A line holds the user turns of both (`a`, `b`), `same_answer_at`, and turns that are not scored (`skip_at`). Beside it: what a history of 20 turns adds that
were all answered from the cache, over one of the same length that was not.
"""

import json
import sys
import time

from rig import Client, Rig, machine, quantiles, row


def ask(client, messages, namespace):
    body = json.dumps({"model": "gpt-4o-mini", "messages": messages})
    started = time.perf_counter()
    client.connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json", "X-Cache-Namespace": namespace})
    response = client.connection.getresponse()
    data = response.read()
    took = (time.perf_counter() - started) * 1000
    return json.loads(data)["choices"][0]["message"]["content"], response.headers, took


def talk(client, turns, namespace):
    """How each turn was answered: what was said, and whether from the cache."""
    messages, found = [], []
    for turn in turns:
        messages.append({"role": "user", "content": turn})
        said, headers, _ = ask(client, messages, namespace)
        messages.append({"role": "assistant", "content": said})
        found.append((said, headers["X-Cache"] == "HIT"))
        if headers["X-Cache"] != "HIT":
            time.sleep(0.05)  # Until its vector has followed.
    return found


def score(client, dialogues):
    counts = {"later": 0, "later hit": 0, "same": 0, "same hit": 0, "traps": 0, "traps hit": 0}
    trapped = []
    for dialogue in dialogues:
        first, second = (talk(client, dialogue[who], dialogue["id"]) for who in "ab")
        all_hit = True
        for place, (same, (said, hit)) in enumerate(zip(dialogue["same_answer_at"], second)):
            if place not in dialogue["skip_at"]:
                if same:
                    counts["same"] += 1
                    counts["same hit"] += hit
                    if place and all_hit:
                        counts["later"] += 1
                        counts["later hit"] += hit
                else:
                    counts["traps"] += 1
                    # What is given again to a history that is the same to the letter is no answer of the other's.
                    if hit and said in [each for each, _ in first]:
                        counts["traps hit"] += 1
                        trapped.append(f"{dialogue['a'][:place + 1]} / {dialogue['b'][:place + 1]}")
            all_hit = all_hit and hit
    return counts, trapped


def main(path, rounds=300):
    dialogues = [json.loads(line) for line in open(path)]
    with Rig() as rig:
        _, upstream = rig.stand_in()
        _, proxy = rig.proxy(upstream)
        client = Client(proxy)
        counts, trapped = score(client, dialogues)
        print(f"{len(dialogues)} dialogues; {machine()}\n")
        row("turns whose earlier turns hit", "of them hit", "all turns that may hit", "of them hit", "traps", "of them answered")
        row(*["---"] * 6)
        share = lambda part, whole: f"{counts[part]} ({100 * counts[part] / max(1, counts[whole]):.1f} %)"
        row(counts["later"], share("later hit", "later"), counts["same"], share("same hit", "same"), counts["traps"], share("traps hit", "traps"))
        for each in trapped:
            print("trap:", each)
        cost(client, rounds)


PLACES = "Oslo Porto Lyon Turin Graz Bergen Malmo Ghent Basel Cork Leeds Gdansk Brno Zagreb Split Varna Riga Tartu Vilnius Tampere".split()


def cost(client, rounds):
    """A look-up behind 20 turns that were answered from the cache, and behind as many that the model answered, by turns."""
    talk(client, [f"What is the population of {place}?" for place in PLACES], "cost")
    histories = {"answered from the cache": [], "answered by the model": []}
    known = 0
    for place in PLACES:
        for name, question in (("answered from the cache", f"What's the population of {place}?"), ("answered by the model", f"{place}: how many people?")):
            messages = histories[name]
            messages.append({"role": "user", "content": question})
            said, headers, _ = ask(client, messages, "cost")
            known += headers.get("X-Cache-Match") == "semantic"
            messages.append({"role": "assistant", "content": said})
    time.sleep(1)
    samples = {name: [] for name in histories}
    for number in range(rounds):
        for name, messages in histories.items():
            body = json.dumps({"model": "gpt-4o-mini", "messages": messages + [{"role": "user", "content": f"And what else is there, number {number}?"}]})
            started = time.perf_counter()
            client.connection.request(
                "POST", "/v1/chat/completions", body,
                {"Content-Type": "application/json", "X-Cache-Namespace": "cost", "Cache-Control": "only-if-cached"})
            client.connection.getresponse().read()
            samples[name].append((time.perf_counter() - started) * 1000)
    print(f"\n{rounds} look-ups that find nothing, behind 20 turns, {known} of which the cache answered in one history\n")
    row("history", "p50 ms", "p95 ms", "p99 ms")
    row(*["---"] * 4)
    for name, values in samples.items():
        row(name, *(f"{value:.3f}" for value in quantiles(values)))
    differences = [one - other for one, other in zip(*samples.values())]
    print(f"\nadded, paired: p50 {quantiles(differences)[0]:.3f} ms")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
