"""Uses OpenAI's own client for pictures and videos: for each of the base URLs in the arguments it has pictures made, whole
and as a stream, edits one, and has a video made. It prints a line of JSON for each."""

import base64
import json
import struct
import sys
import time
import warnings

import openai

warnings.simplefilter("ignore")  # the client calls its videos deprecated


def size(png):
    """The width and the height in the head of a PNG file."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n", png[:8]
    return "%dx%d" % struct.unpack(">II", png[16:24])


def pictures(client):
    made = client.images.generate(model="sim", prompt="a red cat", n=2, size="64x32", response_format="b64_json")
    files = [base64.b64decode(each.b64_json) for each in made.data]
    edited = client.images.edit(model="sim", prompt="make it blue", image=("cat.png", files[0], "image/png"), size="32x32")
    events = []
    for event in client.images.generate(model="sim", prompt="a red cat", size="64x32", stream=True, partial_images=2):
        events.append(event.type)
    return {"sizes": [size(file) for file in files], "edited": size(base64.b64decode(edited.data[0].b64_json)),
            "events": events, "last": size(base64.b64decode(event.b64_json)), "usage": made.usage.input_tokens}


def video(client):
    job = client.videos.create(model="sim", prompt="a red cat", size="64x32", seconds="1")
    states = [job.status]
    while job.status in ("queued", "in_progress"):
        time.sleep(0.01)
        job = client.videos.retrieve(job.id)
        if job.status != states[-1]:
            states.append(job.status)
    content = client.videos.download_content(job.id).read()
    deleted = client.videos.delete(job.id)
    return {"states": states, "progress": job.progress, "video": len(content), "mp4": content[4:8] == b"ftyp",
            "deleted": deleted.deleted, "size": job.size, "seconds": job.seconds}


for url in sys.argv[1:]:
    client = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0, timeout=10)
    try:
        print(json.dumps({**pictures(client), **video(client)}), flush=True)
    except openai.OpenAIError as error:
        print(json.dumps({"error": str(error)}), flush=True)
