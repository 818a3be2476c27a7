"""Prints the sessions that inference-perf makes of the cases in a file, without their texts.

Usage: original.py cases.json

A case with "sessions" is answered with the mean, the standard deviation and the number of what can be drawn, over that
many sessions; any other with the calls of its session.
"""

import json
import math
import sys
import types

from inference_perf.config.apis.config import APIConfig
from inference_perf.config.datagen.config import DataConfig
from inference_perf.datagen.synthetic_agentic import synthetic_agentic_datagen as generator


class Words:
    """A tokenizer for which each word is a token."""

    model_max_length = None

    def encode(self, text, **_):
        return text.split()

    def decode(self, ids, **_):
        return " ".join(ids)

    def __call__(self, text, **_):
        return types.SimpleNamespace(input_ids=text.split())


class Tokenizer:
    def get_tokenizer(self):
        return Words()

    def count_tokens(self, text, *_, **__):
        return len(text.split())


def graph(case, session):
    keys = {"num_sessions": 1, "theme_mix": {case["theme"]: 1}, **case["config"]}
    data = DataConfig(type="synthetic_agentic", synthetic_agentic=keys)
    maker = generator.SyntheticAgenticDataGenerator(APIConfig(type="chat"), data, Tokenizer())
    config, theme = data.synthetic_agentic, maker._pick_theme(session)
    return generator.build_graph_for_session(config, theme, Tokenizer(), session).events


def describe(event):
    call = event.call
    words = {"system": [0], "user": [0]}
    for m in call.messages:
        if m["role"] in words:
            words[m["role"]].append(len(m["content"].split()))
    d = {
        "id": event.event_id,
        "after": sorted(event.predecessor_event_ids),
        "wait_ms": event.wait_ms,
        "roles": "".join(m["role"][0] for m in call.messages),
        "system": max(words["system"]),
        "user": max(words["user"]),
        "tools": len(call.tool_definitions or []),
        "calls": len(call.expected_output_tool_names or []),
    }
    if not call.expected_output_is_tool_call:
        d["limit"] = call.expected_output_tokens
    return d


def draws(events):
    """What was drawn for a session, by name."""
    values = {"calls": [len(events)], "rounds": [len({i.split(":")[1] for i in events})]}

    def add(name, value):
        values.setdefault(name, []).append(value)

    for id, event in events.items():
        last = id.split(":")[-1]
        called = len(event.call.expected_output_tool_names or [])
        if last == "spawn":
            add("sub-agents", called)
        elif called:
            add("parallel", called)
        if last == "principal":
            agent = id.removesuffix("principal")
            loop = sum(1 for i in events if i.startswith(agent + "t") and i.count(":") == id.count(":"))
            add("loop", loop)
            add("spawns", int(any(i.startswith(agent + "d") and i.endswith(":spawn")
                                  and i.count(":") == id.count(":") + 1 for i in events)))
            if event.wait_ms:
                add("think ms", event.wait_ms)
        elif last[0] == "t":
            add("tool ms", event.wait_ms)
        limit = event.call.expected_output_tokens
        if not called and limit not in (0, 48):
            add("limit", limit)
    return values


def statistics(case):
    values = {}
    for i in range(case["sessions"]):
        for name, list in draws(graph(case, i)).items():
            values.setdefault(name, []).extend(list)
    result = {}
    for name, list in sorted(values.items()):
        mean = sum(list) / len(list)
        deviation = math.sqrt(sum((x - mean) ** 2 for x in list) / max(1, len(list) - 1))
        result[name] = {"mean": round(mean, 4), "deviation": round(deviation, 4), "count": len(list),
                        "least": min(list), "most": max(list)}
    return result


def main():
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    lines = []
    for name, case in cases.items():
        if "sessions" in case:
            lines.append(f"{json.dumps(name)}: {json.dumps(statistics(case))}")
            continue
        events = [json.dumps(describe(e)) for e in graph(case, case.get("session", 0)).values()]
        lines.append(f"{json.dumps(name)}: [\n" + ",\n".join(events) + "\n]")
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main()
