"""Uses OpenAI's own client for sound: for each of the base URLs in the arguments it has a text spoken, as bytes of a
stream, as events and as a file, and that file written down, whole and as a stream. It prints a line of JSON for each."""

import io
import json
import sys
import wave

import openai


def speak(client):
    stream = b""
    with client.audio.speech.with_streaming_response.create(
            model="sim", voice="alloy", input="twenty letters here.", response_format="pcm",
            stream_format="audio") as answer:
        for piece in answer.iter_bytes():
            stream += piece
    # This version of the client has no types for the events of speech; they are read as they come.
    events, usage = 0, None
    with client.audio.speech.with_streaming_response.create(
            model="sim", voice="alloy", input="twenty letters here.", response_format="pcm",
            stream_format="sse") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line[len("data: "):])
                events += event["type"] == "speech.audio.delta"
                usage = event.get("usage", usage)
    file = client.audio.speech.create(model="sim", voice="alloy", input="twenty letters here.", response_format="wav").content
    with wave.open(io.BytesIO(file)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    return {"stream": len(stream), "events": events, "usage": usage["output_tokens"], "seconds": seconds}, file


def transcribe(client, file):
    whole = client.audio.transcriptions.create(model="sim", file=("a.wav", file, "audio/wav"), language="en")
    srt = client.audio.transcriptions.create(model="sim", file=("a.wav", file), response_format="srt")
    text, done, usage = "", None, 0
    for event in client.audio.transcriptions.create(model="sim", file=("a.wav", file), stream=True):
        if event.type == "transcript.text.delta":
            text += event.delta
        elif event.type == "transcript.text.done":
            done, usage = event.text, event.usage.output_tokens
    return {"text": whole.text, "input": whole.usage.input_tokens, "streamed": text == done == whole.text,
            "output": usage, "srt": whole.text in srt}


for url in sys.argv[1:]:
    client = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0, timeout=10)
    try:
        spoken, file = speak(client)
        print(json.dumps({**spoken, **transcribe(client, file)}), flush=True)
    except openai.OpenAIError as error:
        print(json.dumps({"error": str(error)}), flush=True)
