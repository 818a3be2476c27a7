"""Writes coercion.json: what PyYAML and pydantic make of scalars and documents.

They are the libraries that inference-perf 0.7.0 reads its configuration with,
in the way it does: a safe loader, and models in lax mode. Run:

    python3 -m venv v && v/bin/pip install pydantic pyyaml && v/bin/python mkgoldens.py > coercion.json
"""

import json
import math
from typing import Optional

import pydantic
import yaml

TYPES = {"int": int, "float": float, "bool": bool, "str": str, "int?": Optional[int]}

SCALARS = """
3 | +3 | -3 | 0 | 1 | 2 | -0 | 08 | 010 | 0o17 | 0x10 | 0X10 | -0x1F | 0b11 | 1_000 | 1__0 | _1 | 1_ | 0_7
1:30 | -1:30 | 1:60 | 1:5:9 | 190:20:30.15 | 1:30.5 | 3.0 | 2.5 | 0. | 1. | .5 | -.5 | +.5 | 1_0.5 | 1.0e+3
1.0e3 | 1e3 | 1e+3 | 1.5e-2 | .5e+1 | 12e03 | 1e400 | 1.0e+400 | .inf | -.inf | +.INF | .nan | .NaN
9223372036854775807 | 9223372036854775808 | -9223372036854775808 | 100000000000000000000 | 9.3e+18 | 1.0e+18
true | True | TRUE | tRUE | false | yes | Yes | YES | yEs | no | on | On | off | OFF | y | n | Y | t | f
null | Null | NULL | nULL | ~ | abc | = | "3" | "+3" | "-3" | "3.0" | "3.00" | "3.10" | "2.5" | "1e3" | "1e0"
"0x10" | "010" | "1_000" | "1__0" | "_1" | "1_" | " 3 " | "3 4" | "1." | ".5" | "-.5" | "1_0.5" | "1e400"
"inf" | "-Infinity" | "nan" | "" | " " | "yes" | "YES" | "no" | "y" | "N" | "t" | "F" | "on" | "ON" | "off"
"true" | "TRUE" | "false" | "1" | "0" | "2" | "-0" | "-0.0" | " yes " | "null" | "~" | "1:30" | "1,000"
"\\u0663" | "9223372036854775807" | "9223372036854775808" | "1e18" | '3' | 'yes' | 'it''s' | "a\\nb" | "\\x41"
[] | {} | [1] | {a: 1} | 2020-01-01 | 2020-1-1 | 2020-01-01T00:00:00Z | 2020-1-1 1:00:00 | 2001-13-01
!!str 3 | !!str yes | !!int "3" | !!float 3 | !!float "1.5" | !!bool "yes" | !!null "" | 1.e+1 | 0.0 | 1.0
-1 | -0.0 | 0b2 | 0x_ | 0b_ | 1e5_0 | 1._5 | 5.
"""

DOCUMENTS = [
    "a: 1\nb: [x, y]\n",
    "a: &x {p: 1, q: 2}\nb: *x\n",
    "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n",
    "a: &x {p: 1, q: 2}\nb: {q: 3, <<: *x}\n",
    "a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc: {<<: [*x, *y], s: 4}\n",
    "a: {<<: 3}\n",
    "a: {<<: [3]}\n",
    "a: {'<<': {p: 1}}\n",
    "a: 1\na: 2\n",
    "a: 1\n---\nb: 2\n",
    "---\na: 1\n...\n",
    "a: |\n  one\n  two\n",
    "a: >-\n  one\n  two\n",
    "a: 'it''s'\nb: \"\\u00e9\\x41\\n\"\n",
    "a: !foo 3\n",
    "a: !!set {x}\n",
    "a: !!seq [1]\nb: !!map {c: 1}\n",
    "a: *nobody\n",
    "a: [1, 2\n",
    "a:\n\tb: 1\n",
    "a: b: c\n",
    "a: @x\n",
    "a: `x\n",
    "a: %x\n",
    "- 1\n- 2\n",
    "just text\n",
    "",
    "# nothing\n",
    "a:\nb: ~\n",
    "a: x # comment\nb: x#y\n",
    "a: {b: {c: {d: [{}, []]}}}\n",
    "\ufeffa: 1\n",
    "a: 1\r\nb: 2\r\n",
    "? a\n: 1\n",
    "? [a]\n: 1\n",
    "a: \"b\n  c\"\n",
    "a: b\n  c\n",
    "{a: 1, b: }\n",
    "{a, b: 1}\n",
    "a: http://host:80/x\n",
    "%YAML 1.1\n---\na: yes\n",
    "a: 1e3\nb: 1.0e+3\nc: 010\nd: 1:30\n",
]


def plain(value):
    """Numbers JSON cannot hold become strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def scalar(text):
    try:
        loaded = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError):
        return {"yaml": text, "loads": False}
    results = {}
    for name, typ in TYPES.items():
        try:
            results[name] = [plain(pydantic.TypeAdapter(typ).validate_python(loaded))]
        except pydantic.ValidationError:
            results[name] = None
    return {"yaml": text, "loads": True, "types": results}


def document(text):
    try:
        return {"yaml": text, "loads": True, "json": json.dumps(yaml.safe_load(text), separators=(",", ":"), ensure_ascii=False)}
    except (yaml.YAMLError, ValueError, TypeError):
        return {"yaml": text, "loads": False}


words = [w.strip() for line in SCALARS.strip().split("\n") for w in line.split(" | ")]
print(
    json.dumps(
        {
            "pydantic": pydantic.VERSION,
            "pyyaml": yaml.__version__,
            "scalars": [scalar(w) for w in words],
            "documents": [document(d) for d in DOCUMENTS],
        },
        indent=1,
        ensure_ascii=True,
    )
)
