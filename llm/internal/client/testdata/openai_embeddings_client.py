"""Reads vectors with OpenAI's own client: a line of JSON for each of the base URLs in the arguments. A URL that ends in
"#base64" is asked as the client does by itself, the others for lists of numbers."""

import json
import sys

import openai


def outline(url):
    url, _, form = url.partition("#")
    client = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0, timeout=10)
    request = {"model": "sim", "input": ["a b", "c d"]}
    if form != "base64":
        request["encoding_format"] = "float"
    answer = client.embeddings.create(**request)
    return {"vectors": [v.embedding for v in answer.data], "indices": [v.index for v in answer.data],
            "prompt": answer.usage.prompt_tokens}


for url in sys.argv[1:]:
    try:
        print(json.dumps(outline(url)), flush=True)
    except openai.OpenAIError as error:
        print(json.dumps({"error": type(error).__name__}), flush=True)
