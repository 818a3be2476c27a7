"""Renders chat templates by Jinja2, in the environment that transformers gives them, of messages as vLLM hands them over.

Each line read is {"template": ..., "chat": {...}, "special": {...}} with a request's messages and tools in the chat, each
line written {"text": ...} or {"error": ...}. With "plain" in place of "chat" the variables are taken as they are.
"""
import functools
import json
import sys
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_said"), [], [], body).set_lineno(line)

    def _said(self, caller):
        return caller()


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
compiled = functools.lru_cache(4)(env.from_string)


def inner(node):
    """What an expression reads, without filters, tests and slices."""
    while isinstance(node, (nodes.Filter, nodes.Test)) or isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        node = node.node
    return node


def is_name(node, names):
    return isinstance(node, nodes.Name) and node.name in names


def is_content(node, names):
    if isinstance(node, nodes.Getattr):
        return node.attr == "content" and is_name(node.node, names)
    return isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and node.arg.value == "content" and is_name(node.node, names)


@functools.lru_cache(4)
def wants_parts(template):
    """Whether a template goes through the parts of a message, as vLLM finds out."""
    tree = env.parse(template)
    lists, before = {"messages"}, 0
    while len(lists) > before:
        before = len(lists)
        found = [a.target for a in tree.find_all(nodes.Assign) if is_name(inner(a.node), lists)]
        if not all(isinstance(t, nodes.Name) for t in found):
            return False
        lists |= {t.name for t in found}
    loops = list(tree.find_all(nodes.For))
    found = [l.target for l in loops if is_name(inner(l.iter), lists)]
    if not all(isinstance(t, nodes.Name) for t in found):
        return False
    items = {t.name for t in found}
    found = [l.target for l in loops if is_content(inner(l.iter), items)]
    return bool(found) and isinstance(found[0], nodes.Name)


def message(m, parts):
    content = m.get("content")
    if content is None:
        content = []
    elif isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if parts:
        out = {"role": m["role"], "content": [{"type": "text", "text": p["text"]} for p in content]}
    else:
        out = {"role": m["role"], "content": "\n".join(p["text"] for p in content if p["text"])}
    if m["role"] == "assistant":
        if m.get("tool_calls"):
            out["tool_calls"] = m["tool_calls"]
            for call in out["tool_calls"]:
                arguments = call["function"].get("arguments") or {}
                call["function"]["arguments"] = json.loads(arguments) if isinstance(arguments, str) else arguments
        if (reasoning := m.get("reasoning", m.get("reasoning_content"))) is not None:
            out["reasoning"] = out["reasoning_content"] = reasoning
    if m["role"] == "tool" and "tool_call_id" in m:
        out["tool_call_id"] = m["tool_call_id"]
    if "name" in m:
        out["name"] = m["name"]
    return out


def render(job):
    template = compiled(job["template"])
    if "plain" in job:
        return template.render(**job["plain"])
    chat = job["chat"]
    messages = [message(m, wants_parts(job["template"])) for m in chat["messages"]]
    return template.render(**{"documents": None, "add_generation_prompt": True, **job["special"], "tools": chat.get("tools"), "messages": messages})


for line in sys.stdin:
    try:
        out = {"text": render(json.loads(line))}
    except Exception as e:
        out = {"error": str(e) or repr(e)}
    print(json.dumps(out), flush=True)
