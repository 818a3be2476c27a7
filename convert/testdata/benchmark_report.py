"""Loads benchmark reports by the package that llm-d publishes, and prints what it read as JSON."""
import json
import sys

from llmd_benchmark_report import load_benchmark_report
from llmd_benchmark_report.core import import_yaml

for path in sys.argv[1:]:
    report = load_benchmark_report(import_yaml(path)).dump()
    aggregate = report["results"]["request_performance"]["aggregate"]
    print(json.dumps({
        "version": report["version"], "model": report["scenario"]["stack"][0]["standardized"].get("model", {}).get("name"),
        "load": report["scenario"]["load"]["standardized"], "total": aggregate["requests"]["total"],
        "failures": aggregate["requests"]["failures"], "ttft_p99": aggregate["latency"]["time_to_first_token"]["p99"],
        "done": sum(p["value"] for p in report["results"]["request_performance"]["time_series"]["throughput"]["request_rate"]["series"]),
        "observability": report["results"].get("observability"), "sessions": report["results"].get("session_performance", {}).get("sessions"),
        "config": report["scenario"]["load"]["native"].get("config"),
    }))
