"""Runs llama.cpp's own server until standard input ends, and says when it is ready."""
import argparse
import sys

import xllamacpp


def parameters(args):
    p = xllamacpp.CommonParams()
    p.model.path, p.model_alias, p.port = args.model, ['tiny'], args.port
    p.n_parallel, p.n_ctx = args.slots, 4096 * args.slots
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
    p.n_gpu_layers, p.warmup, p.ui, p.endpoint_metrics = 0, False, False, True
    if args.api_key:
        p.api_keys = [args.api_key]
    if args.ping:
        p.sse_ping_interval = args.ping
    return p


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model')
    parser.add_argument('port', type=int)
    parser.add_argument('--slots', type=int, default=4, help='answers at a time')
    parser.add_argument('--api-key')
    parser.add_argument('--ping', type=int, help='seconds of silence after which a comment line is sent')
    server = xllamacpp.Server(parameters(parser.parse_args()))
    print('ready', flush=True)
    sys.stdin.read()
