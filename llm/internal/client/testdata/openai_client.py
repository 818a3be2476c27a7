"""Reads answers with OpenAI's own client: a line of JSON for each of the base URLs in the arguments. A URL that holds
"whole" is asked without streaming."""

import json
import sys

import openai

ENDS = ("response.completed", "response.incomplete", "response.failed")


def ask(url):
    """Returns the response, and the text of the deltas that came before it."""
    client = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0, timeout=10)
    request = {"model": "sim", "input": "a b c", "max_output_tokens": 5}
    if "whole" in url:
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
    response, text = ask(url)
    if response is None:
        return {"text": text}
    if response.status == "failed":
        return {"text": text, "error": response.error.message}
    if response.status == "incomplete":
        finish = response.incomplete_details.reason
    else:
        finish = response.status
    items = {item.type for item in response.output}
    tools = [f"{item.call_id} {item.name} {item.arguments}" for item in response.output if item.type == "function_call"]
    return {"text": text or response.output_text, "finish": finish, "thinks": "reasoning" in items,
            "calls": "function_call" in items, "tools": tools, "prompt": response.usage.input_tokens,
            "completion": response.usage.output_tokens}


for url in sys.argv[1:]:
    try:
        print(json.dumps(outline(url)), flush=True)
    except openai.OpenAIError as error:
        print(json.dumps({"error": type(error).__name__ + ": " + str(error)}), flush=True)
