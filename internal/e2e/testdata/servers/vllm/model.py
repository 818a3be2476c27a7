"""Makes a model for vLLM whose weights are made up: model.py TOKENIZER.json FOLDER

Its layers add nothing, so the next token depends on the last one alone. The tokenizer's words (tokens that begin with a
space) stand in two circles, in which each leads to the next: thoughts and answers. A prompt leads to some word of the
answers, or to thoughts if its last token is <think>, with which the chat template ends if enable_thinking is true. From
time to time thoughts end with </think>, which leads to an answer, and answers with the end of the turn.
"""
import json
import pathlib
import re
import sys

import torch
from safetensors.torch import save_file

WIDTH, LAYERS, HEADS, HEAD, CONTEXT = 128, 2, 4, 32, 4096
BEGIN, END = '<|begin_of_text|>', '<|eot_id|>'
THINK, ANSWER, CALL, CALLED = '<think>', '</think>', '<tool_call>', '</tool_call>'
TURN = "'<|start_header_id|>' + {} + '<|end_header_id|>\n\n'"
TEMPLATE = (
    "{{ bos_token }}"
    "{% if tools %}{{ " + TURN.format("'tools'") + " }}"
    "{% for tool in tools %}{{ tool | tojson }}{{ '\n' }}{% endfor %}{{ '" + END + "' }}{% endif %}"
    "{% for m in messages %}"
    "{{ " + TURN.format("m['role']") + " + m['content'] | default('', true) | trim + '" + END + "' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ " + TURN.format("'assistant'") + " }}"
    "{% if enable_thinking is defined and enable_thinking %}{{ '" + THINK + "' }}{% endif %}{% endif %}"
)


def extend(tokenizer):
    """Adds the tokens that mark thoughts and calls, as the tokenizers of models that have them do."""
    last = max(token['id'] for token in tokenizer['added_tokens'])
    like = dict(tokenizer['added_tokens'][-1], special=False)
    for place, name in enumerate((THINK, ANSWER, CALL, CALLED), 1):
        tokenizer['added_tokens'].append(dict(like, id=last + place, content=name))


def make_circle(embeddings, output, directions, before, words, leave, every):
    """Lets the words follow each other, and the token leave come after every so many of them."""
    for place, word in enumerate(words):
        last = directions[(place - 1) % len(words)]
        embeddings[word] = directions[place]
        output[word] = 4 * (last + before)
        if place % every == every - 1:
            output[leave] += 4 * last
            output[word] -= 2 * last  # still far ahead of all others


def make_weights(tokenizer):
    """Returns the embeddings and the output matrix that make the two circles."""
    special = {token['content']: token['id'] for token in tokenizer['added_tokens']}
    plain = tokenizer['model']['vocab']
    words = sorted(id for token, id in plain.items() if re.fullmatch('Ġ[a-z]{2,}', token))
    size = -(-(max(special.values()) + 1) // 64) * 64
    torch.manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(len(words) + 2, WIDTH), dim=1)
    prompt, thinking = directions[-1], directions[-2]
    embeddings, output = prompt.repeat(size, 1), torch.zeros(size, WIDTH)
    embeddings[special[THINK]] = thinking
    half = len(words) // 2
    make_circle(embeddings, output, directions[:half], thinking, words[:half], special[ANSWER], 25)
    make_circle(embeddings, output, directions[half:-2], prompt, words[half:], special[END], 60)
    return embeddings, output


def make_tensors(tokenizer):
    embeddings, output = make_weights(tokenizer)
    one, wide = torch.ones(WIDTH), torch.zeros(2 * WIDTH, WIDTH)
    tensors = {'model.embed_tokens.weight': embeddings, 'lm_head.weight': output, 'model.norm.weight': one}
    for layer in range(LAYERS):
        for name, tensor in {
            'input_layernorm': one, 'post_attention_layernorm': one,
            'self_attn.q_proj': torch.zeros(HEADS * HEAD, WIDTH), 'self_attn.k_proj': torch.zeros(HEADS * HEAD, WIDTH),
            'self_attn.v_proj': torch.zeros(HEADS * HEAD, WIDTH), 'self_attn.o_proj': torch.zeros(WIDTH, HEADS * HEAD),
            'self_attn.q_norm': torch.ones(HEAD), 'self_attn.k_norm': torch.ones(HEAD),
            'mlp.gate_proj': wide, 'mlp.up_proj': wide, 'mlp.down_proj': wide.reshape(WIDTH, 2 * WIDTH),
        }.items():
            tensors[f'model.layers.{layer}.{name}.weight'] = tensor
    return {name: tensor.to(torch.bfloat16).clone() for name, tensor in tensors.items()}


def configure(tokenizer, size):
    special = {token['content']: token['id'] for token in tokenizer['added_tokens']}
    return {
        'architectures': ['Qwen3ForCausalLM'], 'model_type': 'qwen3', 'torch_dtype': 'bfloat16', 'vocab_size': size,
        'hidden_size': WIDTH, 'intermediate_size': 2 * WIDTH, 'num_hidden_layers': LAYERS, 'hidden_act': 'silu',
        'num_attention_heads': HEADS, 'num_key_value_heads': HEADS, 'head_dim': HEAD, 'attention_bias': False,
        'max_position_embeddings': CONTEXT, 'rms_norm_eps': 1e-6, 'rope_theta': 10000.0, 'tie_word_embeddings': False,
        'bos_token_id': special[BEGIN], 'eos_token_id': special[END], 'pad_token_id': special[END],
    }


def main(source, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = json.loads(pathlib.Path(source).read_text(encoding='utf-8'))
    extend(tokenizer)
    tensors = make_tensors(tokenizer)
    save_file(tensors, folder / 'model.safetensors', metadata={'format': 'pt'})
    size = len(tensors['lm_head.weight'])
    for name, content in {
        'tokenizer.json': tokenizer,
        'tokenizer_config.json': {
            'tokenizer_class': 'PreTrainedTokenizerFast', 'bos_token': BEGIN, 'eos_token': END, 'pad_token': END,
            'model_max_length': CONTEXT, 'clean_up_tokenization_spaces': False, 'chat_template': TEMPLATE,
        },
        'config.json': configure(tokenizer, size),
        'generation_config.json': {'bos_token_id': tokenizer['added_tokens'][0]['id'], 'do_sample': True},
    }.items():
        (folder / name).write_text(json.dumps(content))


if __name__ == '__main__':
    main(*sys.argv[1:])
