"""Reads sizes [[width, height], …] and prints how many tokens transformers' processors make of images of them, and of
videos of 7 frames; -1 for a size that one refuses."""
import ast
import json
import math
import sys
from pathlib import Path

import numpy
import transformers
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas
from transformers.models.pixtral.image_processing_pil_pixtral import get_resize_output_image_size

MODELS = Path(transformers.__file__).parent / "models"


def function(path, name):
    """A function of a module that cannot be imported without PyTorch."""
    tree = ast.parse((MODELS / path).read_text())
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    scope = {"math": math}
    exec(compile(ast.Module(found, []), path, "exec"), scope)
    return scope[name]


qwen2 = function("qwen2_vl/image_processing_qwen2_vl.py", "smart_resize")
qwen3 = function("qwen3_vl/video_processing_qwen3_vl.py", "smart_resize")


def area(size, factor):
    return size[0] // factor * (size[1] // factor)


def internvl(width, height):
    columns, rows = get_optimal_tiled_canvas((height, width), (448, 448), 1, 12)
    tiles = columns * rows
    return 256 * (tiles + 1 if tiles > 1 else tiles)


def pixtral(width, height, longest, factor):
    image = numpy.zeros((height, width, 3), dtype=numpy.uint8)
    h, w = get_resize_output_image_size(image, size=(longest, longest), patch_size=(factor, factor))
    return (w // factor + 1) * (h // factor)


RULES = {
    "qwen2-vl": lambda w, h: area(qwen2(h, w, 28, 3136, 12845056), 28),
    "qwen3-vl": lambda w, h: area(qwen2(h, w, 32, 65536, 16777216), 32),
    "qwen3-vl video": lambda w, h: 4 * area(qwen3(7, h, w, 2, 32, 4096, 25165824), 32),
    "internvl3": internvl,
    "pixtral-12b": lambda w, h: pixtral(w, h, 1024, 16),
    "mistral-small-3.1": lambda w, h: pixtral(w, h, 1540, 28),
}


def tokens(rule, width, height):
    try:
        return rule(width, height)
    except ValueError:
        return -1


sizes = json.load(sys.stdin)
print(json.dumps({name: [tokens(rule, *size) for size in sizes] for name, rule in RULES.items()}))
