// Settings that the scripts share, read from the environment: k6 run -e NAME=value script.js.
import { Client, Dataset, scenarios } from 'k6/x/llm';

// number reads a setting that must be a number.
export function number(name, fallback) {
  if (!__ENV[name]) return fallback;
  const value = Number(__ENV[name]);
  if (!Number.isFinite(value)) throw new Error(`${name} must be a number, got ${JSON.stringify(__ENV[name])}`);
  return value;
}

// boolean reads a setting that must be true or false.
export function boolean(name) {
  if (!__ENV[name]) return undefined;
  if (__ENV[name] !== 'true' && __ENV[name] !== 'false') throw new Error(`${name} must be true or false, got ${JSON.stringify(__ENV[name])}`);
  return __ENV[name] === 'true';
}

// path resolves a path of the command line relative to the working directory.
export function path(value) {
  if (!value || value.startsWith('/') || /^[A-Za-z]:[\\/]/.test(value) || !__ENV.PWD) return value;
  return `${__ENV.PWD}/${value}`;
}

// stages reads STAGES (rate@duration, separated by commas), or RATE and DURATION.
function stages(defaults) {
  if (__ENV.STAGES && (__ENV.RATE || __ENV.DURATION)) throw new Error('set either STAGES, or RATE and DURATION');
  if (!__ENV.STAGES) {
    if (!__ENV.RATE && !__ENV.DURATION) return defaults;
    return [{ rate: number('RATE', 5), duration: __ENV.DURATION || '30s' }];
  }
  return __ENV.STAGES.split(',').map((stage) => {
    const [rate, duration, ...rest] = stage.trim().split('@');
    if (!rate || !duration || rest.length || !(Number(rate) >= 0)) {
      throw new Error(`STAGES is rate@duration,… such as 5@30s,10@30s; cannot read ${JSON.stringify(stage)}`);
    }
    return { rate: Number(rate), duration };
  });
}

export const api = __ENV.API || 'chat';
export const seed = number('SEED', undefined);
export const maxTokens = number('MAX_TOKENS', undefined);

// pages reads SERVER_METRICS: auto, URLs of pages separated by commas, or true or false as in the client's option.
function pages() {
  const list = (__ENV.SERVER_METRICS || 'false').split(',').map((page) => page.trim());
  if (list.length === 1 && (list[0] === 'true' || list[0] === 'false')) return list[0] === 'true';
  return list;
}

// client makes a client for BASE_URL, which is the built-in simulator by default.
export function client(options) {
  const slo = {};
  if (__ENV.TTFT_SLO) slo.ttft = __ENV.TTFT_SLO;
  if (__ENV.TPOT_SLO) slo.tpot = __ENV.TPOT_SLO;
  return new Client({
    baseURL: __ENV.BASE_URL || 'sim:',
    endpoint: __ENV.ENDPOINT,
    api,
    model: __ENV.MODEL,
    apiKey: __ENV.API_KEY,
    tokenizer: __ENV.TOKENIZER,
    streaming: boolean('STREAMING'),
    ignoreEOS: boolean('IGNORE_EOS'),
    maxTokensField: __ENV.MAX_TOKENS_FIELD,
    requestIDHeader: __ENV.REQUEST_ID_HEADER,
    serverMetrics: pages(),
    slo,
    ...options,
  });
}

// dataset opens DATASET: a file, a folder or a name on the Hugging Face hub, by default the small sample beside the scripts.
export function dataset(type, sample, options) {
  const name = __ENV.DATASET;
  const onHub = name && /^[\w.-]+\/[\w.-]+$/.test(name) && !/\.(jsonl?|ndjson|csv|tsv|parquet|gz|zst)$/.test(name);
  return new Dataset({ type, path: (onHub ? name : path(name)) || sample, files: __ENV.FILES, api, seed, tokenizer: __ENV.TOKENIZER, maxTokens, ...options });
}

export const conversations = () => dataset('shareGPT', './data/sharegpt-sample.json');

// sampleTokenizer measures generated prompts if TOKENIZER is not set. It is good enough for the simulator only.
const sampleTokenizer = './data/sample-tokenizer.json';

// length reads a length in tokens: 512, or 100-200 for any from 100 to 200.
export function length(name, fallback) {
  const value = __ENV[name];
  if (!value) return fallback;
  const [low, high, ...rest] = value.split('-').map(Number);
  if (rest.length || !(low >= 0) || (high !== undefined && !(high >= low))) throw new Error(`${name} is a number of tokens such as 512, or 100-200; cannot read ${JSON.stringify(value)}`);
  return high === undefined ? low : { type: 'uniform', min: low, max: high };
}

// generated makes a data set of prompts of exact lengths, and the client that sends them, as completions unless API is set.
export function generated(options) {
  const tokenizer = __ENV.TOKENIZER || sampleTokenizer;
  if (!__ENV.TOKENIZER && __ENV.BASE_URL && !__ENV.BASE_URL.startsWith('sim:')) throw new Error('set TOKENIZER to that of the model: prompts of an exact number of tokens are made with it');
  const form = __ENV.API || 'completion';
  const salt = __ENV.SALT === undefined ? undefined : __ENV.SALT || false;
  return {
    client: client({ api: form, tokenizer, baseURL: __ENV.BASE_URL || `sim:?tokenizer=${tokenizer}` }),
    data: new Dataset({ tokenizer, api: form, seed, salt, maxTokens, ...options }),
  };
}

// trendStats are the columns of the summary.
export const trendStats = ['avg', 'min', 'med', 'p(90)', 'p(99)', 'max'];

// exec is what an iteration of a script does: it sends the next item of data by client, without JavaScript. EXEC=default
// calls the script's default function instead, on a VU, as k6's own executors always do.
export function exec(client, data) {
  if (__ENV.EXEC) return __ENV.EXEC;
  if (__ENV.EXECUTOR && __ENV.EXECUTOR !== 'llm-arrival-rate') return undefined;
  return { client, data };
}

// options makes the options of a script that sends the items of data by client. The given stages are the load unless the settings
// contain one.
export function options(client, data, defaults, defaultArrival) {
  const arrival = __ENV.ARRIVAL || defaultArrival;
  return {
    scenarios: scenarios({
      stages: stages(defaults),
      arrival,
      burstiness: arrival === 'gamma' ? number('BURSTINESS', 0.3) : undefined,
      executor: __ENV.EXECUTOR,
      exec: exec(client, data),
      seed,
    }),
    summaryTrendStats: trendStats,
  };
}
