"""Renders chat templates by Jinja2, in the environment that transformers gives them.

Each line read is {"template": ..., "data": {...}}, each line written {"text": ...} or {"error": ...}.
"""
import json
import sys
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda form: datetime.now().strftime(form)

for line in sys.stdin:
    job = json.loads(line)
    try:
        out = {"text": env.from_string(job["template"]).render(**job["data"])}
    except Exception as e:
        out = {"error": str(e) or repr(e)}
    print(json.dumps(out), flush=True)
