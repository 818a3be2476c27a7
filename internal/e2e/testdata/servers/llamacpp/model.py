"""Makes a model for llama.cpp whose weights are made up: model.py TOKENIZER.json FOLDER [FEED_FORWARD_LENGTH]

Its layers add nothing, so the next token depends on the last one alone. The tokenizer's words (tokens that begin with
a space) stand in a circle, and each leads to the next; any other token leads to some word. After every hundredth word
comes the end token, unless the server bars it as ignore_eos asks. The feed-forward layers cost time all the same: the
longer, the slower the model.
"""
import json
import pathlib
import re
import shutil
import sys

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, CONTEXT = 128, 2, 4, 4096
TURN = "'<|start_header_id|>' + {} + '<|end_header_id|>\n\n'"
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{{ " + TURN.format("m['role']") + " + m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ " + TURN.format("'assistant'") + " }}{% endif %}"
)


def read_tokens(tokenizer):
    """Returns the ids of plain and of special tokens, and the size of a vocabulary that holds both."""
    plain = tokenizer['model']['vocab']
    special = {token['content']: token['id'] for token in tokenizer['added_tokens']}
    return plain, special, max([*plain.values(), *special.values()]) + 1


def make_weights(plain, end, size):
    """Returns the embeddings and the output matrix that make the circle of words."""
    words = sorted(id for token, id in plain.items() if re.fullmatch('Ġ[a-z]{2,}', token))
    directions = np.random.default_rng(0).standard_normal((len(words) + 1, WIDTH)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    no_word = directions[-1]
    embeddings, output = np.tile(no_word, (size, 1)), np.zeros((size, WIDTH), np.float32)
    for place, word in enumerate(words):
        before = directions[(place - 1) % len(words)]
        embeddings[word] = directions[place]
        output[word] = 4 * (before + no_word)
        if place % 100 == 50:
            output[end] += 4 * before
            output[word] -= 2 * before  # still far ahead of all others where the end token is barred
    return embeddings, output


def write_vocabulary(writer, tokenizer):
    plain, special, size = read_tokens(tokenizer)
    tokens, kinds = [f'[unused {id}]' for id in range(size)], [gguf.TokenType.UNUSED] * size
    for names, kind in (plain, gguf.TokenType.NORMAL), (special, gguf.TokenType.CONTROL):
        for token, id in names.items():
            tokens[id], kinds[id] = token, kind
    writer.add_tokenizer_model('gpt2')
    writer.add_tokenizer_pre('llama-bpe')
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([' '.join(pair) for pair in tokenizer['model']['merges']])
    writer.add_bos_token_id(special['<|begin_of_text|>'])
    writer.add_eos_token_id(special['<|eot_id|>'])
    writer.add_add_bos_token(True)
    writer.add_chat_template(TEMPLATE)


def write_shape(writer, feed_forward):
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def write_tensors(writer, tokenizer, feed_forward):
    plain, special, size = read_tokens(tokenizer)
    embeddings, output = make_weights(plain, special['<|eot_id|>'], size)
    one, square = np.ones(WIDTH, np.float32), np.zeros((WIDTH, WIDTH), np.float32)
    wide = np.zeros((feed_forward, WIDTH), np.float32)
    tensors = {'token_embd': embeddings, 'output': output, 'output_norm': one}
    for layer in range(LAYERS):
        for name, tensor in {
            'attn_norm': one, 'attn_q': square, 'attn_k': square, 'attn_v': square, 'attn_output': square,
            'ffn_norm': one, 'ffn_gate': wide, 'ffn_up': wide, 'ffn_down': wide.reshape(WIDTH, feed_forward),
        }.items():
            tensors[f'blk.{layer}.{name}'] = tensor
    for name, tensor in tensors.items():
        writer.add_tensor(name + '.weight', tensor)


def main(source, folder, feed_forward=WIDTH):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = json.loads(pathlib.Path(source).read_text(encoding='utf-8'))
    writer = gguf.GGUFWriter(folder / 'model.gguf', 'llama')
    write_shape(writer, int(feed_forward))
    write_vocabulary(writer, tokenizer)
    write_tensors(writer, tokenizer, int(feed_forward))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    shutil.copy(source, folder / 'tokenizer.json')
    config = {'bos_token': '<|begin_of_text|>', 'chat_template': TEMPLATE}
    (folder / 'tokenizer_config.json').write_text(json.dumps(config))


if __name__ == '__main__':
    main(*sys.argv[1:])
