"""Reads answers with OpenAI's own client: a line of JSON for each of the base URLs in the arguments. A URL that holds
"whole" is asked without streaming, one with "tools" behind "#" for a call of a tool, and one with "chat" there as a chat."""

import json
import sys

import openai

ENDS = ("response.completed", "response.incomplete", "response.failed")


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
          "required": ["city", "days"]}


def compact(arguments):
    try:
        return json.dumps(json.loads(arguments), separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        return arguments


def chat(client, form, whole):
    request = {"model": "sim", "messages": [{"role": "user", "content": "a b c"}], "max_tokens": 5}
    if "tools" in form:
        request |= {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
                    "tool_choice": "required"}
    if whole:
        answer = client.chat.completions.create(**request)
    else:
        with client.chat.completions.stream(stream_options={"include_usage": True}, **request) as stream:
            for _ in stream:
                pass
            answer = stream.get_final_completion()
    choice, usage = answer.choices[0], answer.usage
    calls = choice.message.tool_calls or []
    return {"text": choice.message.content or "", "finish": choice.finish_reason or "", "calls": bool(calls),
            "tools": [f"{call.id} {call.function.name} {compact(call.function.arguments)}" for call in calls],
            "prompt": usage.prompt_tokens if usage else 0, "completion": usage.completion_tokens if usage else 0}


def ask(client, form, whole):
    """Returns the response, and the text of the deltas that came before it."""
    request = {"model": "sim", "input": "a b c", "max_output_tokens": 5}
    if "tools" in form:
        request |= {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA}], "tool_choice": "required"}
    if whole:
        response = client.responses.create(**request)
        return response, response.output_text
    text, final = "", None
    for event in client.responses.create(stream=True, **request):
        if event.type in ("response.output_text.delta", "response.refusal.delta"):
            text += event.delta
        if event.type == "error":
            raise openai.OpenAIError(event.message)
        if event.type in ENDS:
            final = event.response
    return final, text


def outline(url):
    url, _, form = url.partition("#")
    client = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0, timeout=10)
    whole = "whole" in url + form
    if "chat" in form:
        return chat(client, form, whole)
    response, text = ask(client, form, whole)
    if response is None:
        return {"text": text}
    if response.status == "failed":
        return {"text": text, "error": response.error.message}
    if response.status == "incomplete":
        finish = response.incomplete_details.reason
    else:
        finish = response.status
    items = {item.type for item in response.output}
    tools = [f"{item.call_id} {item.name} {compact(item.arguments)}" for item in response.output
             if item.type == "function_call"]
    return {"text": text or response.output_text, "finish": finish, "thinks": "reasoning" in items,
            "calls": "function_call" in items, "tools": tools, "prompt": response.usage.input_tokens,
            "completion": response.usage.output_tokens}


for url in sys.argv[1:]:
    try:
        print(json.dumps(outline(url)), flush=True)
    except (openai.OpenAIError, AssertionError) as error:
        print(json.dumps({"error": type(error).__name__ + ": " + str(error)}), flush=True)
