"""Reads answers with Anthropic's own client: a line of JSON for each of the base URLs in the arguments. A URL that holds
"whole" is asked without streaming, and one with "tools" behind "#" for a call of a tool."""

import json
import sys

import anthropic


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
          "required": ["city", "days"]}


def ask(url):
    url, _, form = url.partition("#")
    client = anthropic.Anthropic(base_url=url, api_key="k", max_retries=0, timeout=10)
    request = {"model": "sim", "max_tokens": 5, "messages": [{"role": "user", "content": "a b c"}]}
    if "tools" in form:
        request |= {"tools": [{"name": "f", "input_schema": SCHEMA}], "tool_choice": {"type": "any"}}
    if "whole" in url + form:
        return client.messages.create(**request)
    with client.messages.stream(**request) as stream:
        return stream.get_final_message()


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def outline(message):
    text = "".join(block.text for block in message.content if block.type == "text")
    thinking = "".join(block.thinking for block in message.content if block.type == "thinking")
    calls = sum(block.type in ("tool_use", "server_tool_use") for block in message.content)
    tools = [f"{block.id} {block.name} {compact(block.input)}" for block in message.content if block.type == "tool_use"]
    usage = message.usage
    prompt = usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return {"text": text, "thinks": thinking != "", "calls": calls > 0, "tools": tools, "finish": message.stop_reason or "",
            "prompt": prompt, "completion": usage.output_tokens}


for url in sys.argv[1:]:
    try:
        print(json.dumps(outline(ask(url))), flush=True)
    except (anthropic.AnthropicError, AssertionError, TypeError) as error:
        print(json.dumps({"error": type(error).__name__ + ": " + str(error)}), flush=True)
