"""Encodes texts by Hugging Face's tokenizers, for comparison.

Each line read is {"tokenizer": text of a tokenizer.json, "texts": [...]}; each
line written is {"error": ...} or {"rows": [{ids, with_special, decoded}, ...]}.
"""
import json
import os
import sys

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RUST_BACKTRACE"] = "0"
import tokenizers

for line in sys.stdin:
    job = json.loads(line)
    try:
        t = tokenizers.Tokenizer.from_str(job["tokenizer"])
        t.no_padding()
        t.no_truncation()
        rows = []
        for text in job["texts"]:
            ids = t.encode(text, add_special_tokens=False).ids
            rows.append({"ids": ids, "with_special": t.encode(text).ids, "decoded": t.decode(ids, skip_special_tokens=False)})
        out = {"rows": rows}
    except BaseException as e:  # a panic of the library is none of Exception
        out = {"error": str(e) or repr(e)}
    print(json.dumps(out), flush=True)
