#!/bin/sh
# What `make run` does: a short benchmark of the built-in simulator, and its report.
set -eu
out="reports/$(date +%Y%m%d-%H%M%S)"
bin/k6 run --quiet --out "llm=$out/records" scripts/sharegpt.js
bin/llmconv report "$out/records" --per-request -o "$out"
