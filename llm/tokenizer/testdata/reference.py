"""Encodes texts by Hugging Face's tokenizers, for comparison.

Each line read is {"tokenizer": text of a tokenizer.json, "texts": [...]}; each
line written is {"error": ...} or {"rows": [{ids, with_special, decoded}, ...]}. With
"seconds" in it the texts are encoded again and again for so long, and the
answer is {"rate": bytes per second}.
"""
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RUST_BACKTRACE"] = "0"
import tokenizers

for line in sys.stdin:
    job = json.loads(line)
    try:
        t = tokenizers.Tokenizer.from_str(job["tokenizer"])
        t.no_padding()
        t.no_truncation()
        if job.get("seconds"):
            start, rounds = time.perf_counter(), 0
            while time.perf_counter() - start < job["seconds"]:
                for text in job["texts"]:
                    t.encode(text, add_special_tokens=False)
                rounds += 1
            size = sum(len(text.encode()) for text in job["texts"])
            print(json.dumps({"rate": size * rounds / (time.perf_counter() - start)}), flush=True)
            continue
        rows = []
        for text in job["texts"]:
            ids = t.encode(text, add_special_tokens=False).ids
            rows.append({"ids": ids, "with_special": t.encode(text).ids, "decoded": t.decode(ids, skip_special_tokens=False)})
        out = {"rows": rows}
    except BaseException as e:  # a panic of the library is none of Exception
        out = {"error": str(e) or repr(e)}
    print(json.dumps(out), flush=True)
