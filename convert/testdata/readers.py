"""Reads requests.parquet, a file of chunks and requests.csv by the tools people use, and prints what each saw as JSON."""
import json
import sys

import duckdb
import pandas
import pyarrow.parquet

requests, chunks, csv = sys.argv[1:4]


def facts(rows, ttft, arrivals, failed, cached, chunk_rows):
    return {"rows": int(rows), "ttft_ms": float(ttft), "arrivals_us": int(arrivals), "failed": int(failed), "cached": int(cached), "chunk_rows": int(chunk_rows)}


def by_pyarrow():
    t = pyarrow.parquet.read_table(requests).to_pydict()
    return facts(
        len(t["request_id"]), sum(x for x in t["ttft_ms"] if x is not None), sum(sum(c) for c in t["chunks_us"]),
        sum(e != "" for e in t["error_type"]), sum(x or 0 for x in t["cached_tokens"]), pyarrow.parquet.read_table(chunks).num_rows)


def by_duckdb():
    row = duckdb.sql(f"""
        SELECT count(*), sum(ttft_ms), sum(list_sum(chunks_us)), count(*) FILTER (error_type <> ''), sum(cached_tokens),
               (SELECT count(*) FROM '{chunks}') FROM '{requests}'""").fetchall()[0]
    return facts(*row)


def by_pandas():
    t = pandas.read_parquet(requests)
    return facts(len(t), t.ttft_ms.sum(), t.chunks_us.map(sum).sum(), (t.error_type != "").sum(), t.cached_tokens.sum(), len(pandas.read_parquet(chunks)))


def by_csv():
    t = pandas.read_csv(csv, keep_default_na=True)
    arrivals = sum(sum(map(int, str(c).split())) for c in t.chunks_us if isinstance(c, str) or c == c)
    return facts(len(t), t.ttft_ms.sum(), arrivals, t.error_type.notna().sum(), t.cached_tokens.sum(), len(pandas.read_parquet(chunks)))


file = pyarrow.parquet.ParquetFile(requests)
column = {file.schema.column(i).name: i for i in range(len(file.schema))}
group = file.metadata.row_group(0)
print(json.dumps({
    "pyarrow": by_pyarrow(), "duckdb": by_duckdb(), "pandas": by_pandas(), "csv": by_csv(),
    "compression": group.column(column["model"]).compression,
    "dictionary": "RLE_DICTIONARY" in group.column(column["model"]).encodings,
    "run_id": file.metadata.metadata[b"run_id"].decode(),
}))
