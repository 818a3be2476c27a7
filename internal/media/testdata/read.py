"""Reads the files of a list with the libraries that servers use, and compares them with what the list says."""
import json
import sys
import warnings
import wave

import av
import av.logging
import numpy
import soundfile
from PIL import Image

warnings.simplefilter("error")


def image(want, path):
    with Image.open(path) as file:
        file.verify()
    with Image.open(path) as file:
        file.load()
        size, mode, pixels = file.size, file.mode, numpy.asarray(file.convert("RGB"))
    assert size == (want["Width"], want["Height"]), size
    assert mode == "RGB", mode
    for colour in want["Colours"] or []:
        near(pixels, colour, 0 if not path.endswith("jpeg") else 6)


def near(pixels, colour, most):
    apart = abs(pixels.astype(int) - colour).max()
    assert apart <= most, f"{apart} from {colour}"


def video(want, path):
    with av.logging.Capture() as log, av.open(path) as file:
        stream = file.streams.video[0]
        stream.codec_context.options = {"err_detect": "crccheck+bitstream+buffer+careful+compliant+explode"}
        stream.thread_type = "NONE"
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p"), (context.name, context.pix_fmt)
        assert context.profile == "Constrained Baseline", context.profile
        assert stream.frames == want["Frames"], stream.frames
        assert stream.average_rate == want["Rate"], stream.average_rate
        assert stream.duration * stream.time_base * want["Rate"] == want["Frames"], stream.duration
    assert not log, log
    assert len(frames) == want["Frames"], len(frames)
    for frame in frames:
        assert frame.shape == (want["Height"], want["Width"], 3), frame.shape
    for frame, colour in zip(frames, want["Colours"] or []):
        near(frame, colour, 6)
    if not want["Colours"] and want["Width"] > 16:
        assert all(frame.std() > 1 for frame in frames)


def sound(want, path):
    with wave.open(path) as file:
        assert file.getparams()[:4] == (1, 2, want["Rate"], want["Frames"]), file.getparams()
    samples, rate = soundfile.read(path)
    assert (len(samples), rate) == (want["Frames"], want["Rate"]), (len(samples), rate)


av.logging.set_level(av.logging.WARNING)
KINDS = {"mp4": video, "wav": sound}
with open(sys.argv[1]) as file:
    files = json.load(file)
for want in files:
    path = want["File"]
    try:
        KINDS.get(path.rsplit(".", 1)[1], image)(want, path)
    except Exception as error:
        print(want, repr(error))
print(len(files), "files read")
