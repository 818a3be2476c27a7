"""Prints the graphs that inference-perf makes of traces: a line of JSON for each line of {"name", "format", "trace"}."""

import functools
import json
import logging
import sys
import tempfile

logging.disable(logging.CRITICAL)

from inference_perf.config.apis.config import APIConfig  # noqa: E402
from inference_perf.config.datagen.config import DataConfig  # noqa: E402
from inference_perf.config.datagen.replay import WekaTraceReplayConfig  # noqa: E402
from inference_perf.datagen.replay import otel_trace_to_replay_graph as otel  # noqa: E402
from inference_perf.datagen.replay import weka_trace_replay_datagen as weka  # noqa: E402


class Words:
    """Stands in for a tokenizer: a token is a word, and no word is in another."""

    @functools.cache
    def encode(self, text, **_):
        return [7919 * i % 99991 for i, _ in enumerate(text.split())]

    def decode(self, ids, **_):
        return "".join(f"<{i}> " for i in ids)

    def get_tokenizer(self):
        return self

    def count_tokens(self, text):
        return len(text.split())


words = Words()


def of_spans(case):
    spans = case["trace"]["spans"]
    calls, _ = otel.build_raw_calls(spans, case.get("include_errors", True))
    graph = otel.build_graph(calls, "")
    otel.tag_user_facing_events(graph, spans)
    return graph


def of_blocks(case):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(case["trace"], file)
        file.flush()
        options = WekaTraceReplayConfig(trace_files=[file.name], datagen_workers=1, **case.get("options", {}))
        data = DataConfig(type="weka_trace_replay", weka_trace_replay=options)
        generator = weka.WekaTraceReplayDataGenerator(APIConfig(type="chat"), data, words, None, 1, 1)
        calls = generator._reconstruct_raw_calls(generator._load_weka_traces()[0])
    return otel.build_graph(calls, "", weka._find_weka_predecessors)


def event(e, weka_format):
    call = e.call
    out = {
        "id": e.event_id,
        "after": dict(sorted(e.predecessor_dependency_types.items())),
        "wait_ms": e.wait_ms,
        "segments": [[s.type, s.message_count, s.source_event_id or ""] for s in call.input_segments],
        "roles": [m["role"] for m in call.messages],
        "output_tokens": call.expected_output_tokens,
    }
    if weka_format:
        out["lengths"] = [len(m["content"].split()) for m in call.messages]
    else:
        out["user_facing"] = e.is_user_facing
        out["structured"] = e.is_structured_output_call
    return out


for line in sys.stdin:
    case = json.loads(line)
    of_weka = case["format"] == "weka"
    result = {"name": case["name"]}
    try:
        graph = (of_blocks if of_weka else of_spans)(case)
        result["events"] = [event(e, of_weka) for e in graph.events.values()]
    except Exception as error:
        result["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
    print(json.dumps(result), flush=True)
