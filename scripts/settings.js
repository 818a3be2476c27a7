// Settings that the scripts share, read from the environment: k6 run -e NAME=value script.js.
import { Client, Dataset, scenarios, trace } from 'k6/x/llm';

// number reads a setting that must be a number.
export function number(name, fallback) {
  if (!__ENV[name]) return fallback;
  const value = Number(__ENV[name]);
  if (!Number.isFinite(value)) throw new Error(`${name} must be a number, got ${JSON.stringify(__ENV[name])}`);
  return value;
}

// share reads a setting that is a share such as 0.05 or 5%.
export function share(name, fallback) {
  const text = __ENV[name];
  if (!text) return fallback;
  const value = text.endsWith('%') ? Number(text.slice(0, -1) || NaN) / 100 : Number(text);
  if (!(value >= 0 && value <= 1)) throw new Error(`${name} is a share such as 0.05 or 5%, cannot read ${JSON.stringify(text)}`);
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

// checkedDuration returns a duration such as 30s. A number without a unit may mean seconds or milliseconds, so it is refused.
function checkedDuration(name, value) {
  if (Number.isFinite(Number(value))) throw new Error(`${name}: ${value} has no unit: write ${value}s or ${value}ms`);
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h|d))+$/.test(value)) throw new Error(`${name}: ${JSON.stringify(value)} is no duration such as 30s or 1m30s`);
  return value;
}

// duration reads a setting that is a duration.
export function duration(name, fallback) {
  return __ENV[name] ? checkedDuration(name, __ENV[name]) : fallback;
}

// json reads a setting that is an object in JSON, such as the example.
export function json(name, example = '{"temperature": 0}') {
  if (!__ENV[name]) return undefined;
  let value;
  try {
    value = JSON.parse(__ENV[name]);
  } catch (e) {
    value = undefined; // the text may hold a secret, and the error repeats it
  }
  if (!value || typeof value !== 'object' || Array.isArray(value)) throw new Error(`${name} must be an object in JSON such as ${example}`);
  return value;
}

// numbers reads a setting that is a number, or several separated by commas.
function numbers(name) {
  return __ENV[name].split(',').map((text) => {
    const value = Number(text);
    if (!(text.trim() && value >= 0)) throw new Error(`${name} is a number or several such as 4,16,64; cannot read ${JSON.stringify(text)}`);
    return value;
  });
}

// stage reads one stage of STAGES, which follows the rate last. A ramp from another rate needs a jump to that rate.
function stage(text, last) {
  const [, whole, rest] = text.trim().match(/^(warmup:)?(.*)$/s);
  if (whole) {
    const list = stage(rest, last);
    list[list.length - 1].warmup = true;
    return list;
  }
  const parts = rest.match(/^(c?)(\d*\.?\d+)(?:-(\d*\.?\d+))?@([^@]+)$/);
  if (!parts || (parts[1] && parts[3])) {
    throw new Error(`STAGES is rate@duration,… such as 5@30s,10@30s, with 5-20@30s for a ramp, c16@30s for 16 requests at a time and warmup:5@30s for a warm-up; cannot read ${JSON.stringify(text)}`);
  }
  const [, closed, first, to] = parts;
  const length = checkedDuration('STAGES', parts[4]);
  if (closed) return [{ concurrency: Number(first), duration: length }];
  if (!to) return [{ rate: Number(first), duration: length }];
  const ramp = { target: Number(to), duration: length };
  return Number(first) === last ? [ramp] : [{ target: Number(first), duration: '0s' }, ramp];
}

// untilStable is WARMUP if it is a warm-up before all stages; it may have a bound, as in until-stable@2m.
const untilStable = /^until-stable/.test(__ENV.WARMUP || '') ? /** @type {'until-stable'} */ (__ENV.WARMUP) : undefined;

// warmup reads WARMUP: how long each stage warms up, or until-stable.
export const warmup = () => untilStable || duration('WARMUP');

// warm gives each stage the warm-up of WARMUP, unless it is one by itself.
const warm = (stages) => {
  const time = untilStable ? undefined : duration('WARMUP');
  return time ? stages.map((each) => (each.duration === '0s' || each.warmup ? each : { ...each, warmup: time })) : stages;
};

// stages reads the load: STAGES, or RATE or CONCURRENCY with the DURATION or the REQUESTS of each.
function stages(defaults) {
  const given = ['RATE', 'CONCURRENCY', 'DURATION', 'REQUESTS'].filter((name) => __ENV[name]);
  if (__ENV.STAGES) {
    if (given.length) throw new Error(`set either STAGES or ${given.join(' and ')}`);
    const list = [];
    for (const text of __ENV.STAGES.split(',')) {
      const before = list[list.length - 1] || { rate: 0 };
      list.push(...stage(text, before.rate === undefined ? before.target : before.rate));
    }
    return warm(list);
  }
  if (!given.length) return warm(defaults);
  if (__ENV.RATE && __ENV.CONCURRENCY) throw new Error('set either RATE or CONCURRENCY');
  if (__ENV.REQUESTS && __ENV.DURATION) throw new Error('set either REQUESTS or DURATION');
  if (__ENV.REQUESTS && !__ENV.CONCURRENCY) throw new Error('REQUESTS needs CONCURRENCY: how many of them are sent at a time');
  const length = __ENV.REQUESTS ? { requests: number('REQUESTS') } : { duration: duration('DURATION', '30s') };
  if (__ENV.CONCURRENCY) return warm(numbers('CONCURRENCY').map((concurrency) => ({ concurrency, ...length })));
  return warm((__ENV.RATE ? numbers('RATE') : [5]).map((rate) => ({ rate, ...length })));
}

// search reads the search for the highest load within an SLO, if SEARCH or the defaults ask for one.
function search(defaults) {
  const over = __ENV.SEARCH || defaults.over;
  const told = ['SLO', 'SEARCH_MIN', 'SEARCH_MAX', 'RESOLUTION', 'HOLD', 'MAX_PROBES'].find((name) => __ENV[name]);
  if (!over) {
    if (told) throw new Error(`${told} is set, but not SEARCH: set it to rate or concurrency`);
    return undefined;
  }
  const load = ['STAGES', 'RATE', 'CONCURRENCY', 'REQUESTS', 'WARMUP'].find((name) => __ENV[name]);
  if (load) throw new Error(`a search chooses the loads by itself: leave ${load} out`);
  const slo = __ENV.SLO || defaults.slo;
  if (!slo) throw new Error("SEARCH is set, but not SLO: set it to what the server has to keep, such as 'p99(ttft)<500ms'");
  return {
    over,
    slo,
    min: number('SEARCH_MIN', defaults.min),
    max: number('SEARCH_MAX', defaults.max),
    resolution: share('RESOLUTION', defaults.resolution),
    probe: duration('DURATION', defaults.probe),
    hold: duration('HOLD', defaults.hold),
    maxProbes: number('MAX_PROBES', defaults.maxProbes),
  };
}

export const api = /** @type {'chat' | 'completion' | 'anthropic_messages' | 'responses'} */ (__ENV.API || 'chat');
export const seed = number('SEED', undefined);
export const maxTokens = number('MAX_TOKENS', undefined);

// pages reads SERVER_METRICS: auto, URLs of pages separated by commas, or true or false as in the client's option.
function pages() {
  const list = (__ENV.SERVER_METRICS || 'false').split(',').map((page) => page.trim());
  if (list.length === 1 && (list[0] === 'true' || list[0] === 'false')) return list[0] === 'true';
  return list;
}

// headers reads HEADERS: name: value; …, or an object in JSON, which can hold a semicolon.
function headers() {
  const text = (__ENV.HEADERS || '').trim();
  if (!text) return undefined;
  if (text.startsWith('{')) return json('HEADERS');
  const all = {};
  text.split(/[;\n]/).forEach((header, i) => {
    const at = header.indexOf(':');
    if (at < 1 && header.trim()) throw new Error(`HEADERS is name: value; … or an object in JSON; number ${i + 1} has no name and colon`); // the value may be a secret
    if (at > 0) all[header.slice(0, at).trim()] = header.slice(at + 1).trim();
  });
  return all;
}

// adapters reads ADAPTERS: name:share,…
export function adapters(fallback) {
  const text = __ENV.ADAPTERS || fallback;
  if (!text) return undefined;
  return text.split(',').map((adapter) => {
    const at = adapter.lastIndexOf(':');
    if (at < 1 || !(Number(adapter.slice(at + 1)) >= 0)) {
      throw new Error(`ADAPTERS is name:share,… such as a:0.7,b:0.3; cannot read ${JSON.stringify(adapter)}`);
    }
    return { name: adapter.slice(0, at).trim(), split: Number(adapter.slice(at + 1)) };
  });
}

// slo reads the bounds that a good request keeps.
function slo() {
  const bounds = {
    ttft: duration('TTFT_SLO'),
    tpot: duration('TPOT_SLO'),
    itl: duration('ITL_SLO'),
    ntpot: duration('NTPOT_SLO'),
    request_latency: duration('LATENCY_SLO'),
    first_audio: duration('FIRST_AUDIO_SLO'),
    rtf: number('RTF_SLO'),
  };
  return Object.fromEntries(Object.entries(bounds).filter(([, bound]) => bound));
}

// cancel reads CANCEL, how many users leave before their answers are over, and when: 5%@2s, 0.05@20 tokens, 5%@queued, 5%@prompt-sent.
export function cancel(fallback) {
  const text = __ENV.CANCEL || fallback;
  if (!text) return undefined;
  const [, number, percent, when] = text.match(/^(\d*\.?\d+)(%?)@(.+)$/) || [];
  if (!when) throw new Error(`CANCEL is share@when such as 5%@2s, 5%@20 tokens, 5%@queued or 5%@prompt-sent; cannot read ${JSON.stringify(text)}`);
  const of = { share: percent ? Number(number) / 100 : Number(number) };
  const tokens = when.match(/^(\d+) ?tokens?$/);
  if (tokens) return { ...of, tokens: Number(tokens[1]) };
  if (when === 'queued' || when === 'prompt-sent') return { ...of, after: /** @type {'queued' | 'prompt-sent'} */ (when) };
  return { ...of, after: checkedDuration('CANCEL', when) };
}

// ofLoads are settings of the load that options reads.
export const ofLoads = ['STAGES', 'RATE', 'CONCURRENCY', 'REQUESTS', 'SEARCH', 'TRACE'];

// instead refuses settings of other scripts that this one does not take. It takes others in their place.
export function instead(script, names, others) {
  const name = names.find((each) => __ENV[each]);
  if (name) throw new Error(`${name} is no setting of ${script}, which takes ${others}`);
}

// server is BASE_URL. The simulator takes its place only where nothing else tells of a server.
export function server(simulator) {
  if (__ENV.BASE_URL) return __ENV.BASE_URL;
  const told = ['ENDPOINT', 'MODEL', 'API_KEY', 'HEADERS', 'SERVER_METRICS'].find((name) => __ENV[name]);
  if (told) throw new Error(`${told} is set, but not BASE_URL: set it to the server, such as http://localhost:8000, or to sim: for the built-in simulator`);
  return simulator || 'sim:';
}

// file reads the file that a setting names, as bytes.
export function file(name) {
  if (!__ENV[name]) return undefined;
  try {
    return open(path(__ENV[name]), 'b');
  } catch (e) {
    throw new Error(`${name}: ${__ENV[name]} cannot be read: check its path, which starts at the working directory`);
  }
}

// spread is BALANCE: how several servers of BASE_URL share the load, or their weights.
function spread() {
  const how = __ENV.BALANCE;
  if (!how) return {};
  if (!/^([\d.,\s]+|round-robin|random|session)$/.test(how)) throw new Error(`BALANCE is round-robin, random or session, or weights such as 3,1; cannot read ${JSON.stringify(how)}`);
  return /^[\d.,\s]+$/.test(how) ? { weights: how.split(',').map(Number) } : { balance: how };
}

// client makes a client for BASE_URL.
export function client(options) {
  const only = options && options.api;
  if (only && __ENV.API && __ENV.API !== only) throw new Error(`API is ${__ENV.API}, and this script sends api ${only} alone: leave API out, or take another script`);
  return new Client({
    baseURL: options && options.baseURL ? undefined : server(),
    ...spread(),
    endpoint: __ENV.ENDPOINT,
    api,
    model: __ENV.MODEL,
    apiKey: __ENV.API_KEY,
    apiKeyHeader: __ENV.API_KEY_HEADER,
    headers: headers(),
    extraBody: json('EXTRA_BODY'),
    tokenizer: __ENV.TOKENIZER,
    streaming: boolean('STREAMING'),
    ignoreEOS: boolean('IGNORE_EOS'),
    timeout: duration('TIMEOUT'),
    idleTimeout: duration('IDLE_TIMEOUT'),
    retries: number('RETRIES'),
    text: boolean('TEXT'),
    maxTokensField: __ENV.MAX_TOKENS_FIELD,
    requestIDHeader: __ENV.REQUEST_ID_HEADER,
    serverMetrics: pages(),
    adapters: adapters(),
    slo: slo(),
    cancel: cancel(),
    ...options,
  });
}

// dataset opens DATASET: a file, a folder or a name on the Hugging Face hub, by default a small built-in sample.
export function dataset(type, options) {
  const name = __ENV.DATASET;
  const onHub = name && /^[\w.-]+\/[\w.-]+$/.test(name) && !/\.(jsonl?|ndjson|csv|tsv|txt|parquet|gz|zst)$/.test(name);
  return new Dataset({ type, path: (onHub ? name : path(name)) || 'sample:', files: __ENV.FILES, api, seed, tokenizer: __ENV.TOKENIZER, maxTokens, ...options });
}

// mix reads PROMPTS: the files of a mix and their shares: chat.json@0.7,rag.jsonl@30%. The names of the files become the labels.
export function mix() {
  const text = __ENV.PROMPTS;
  if (!text) return undefined;
  const parts = Array.from(text.matchAll(/(.+?)@(\d*\.?\d+)(%?)(?:,|$)/g), ([, file, share, percent]) => ({
    share: percent ? Number(share) / 100 : Number(share),
    label: file.replace(/^.*[\\/]/, '').replace(/\.(gz|zst)$/, '').replace(/\.[^.]+$/, ''),
    type: /** @type {const} */ ('prompts'),
    path: path(file),
    column: __ENV.COLUMN,
  }));
  if (text.replace(/(.+?)@(\d*\.?\d+)(%?)(?:,|$)/g, '') || !parts.length) {
    throw new Error(`PROMPTS is file@share,… such as chat.json@0.7,rag.jsonl@0.3; cannot read ${JSON.stringify(text)}`);
  }
  return parts;
}

export const conversations = () => dataset('shareGPT');

// sampleTokenizer measures generated prompts if TOKENIZER is not set. It is good enough for the simulator only.
const sampleTokenizer = 'sample:';

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
  instead('a script that makes its prompts', ['DATASET'], 'lengths; sharegpt.js and prompts.js take DATASET');
  const tokenizer = __ENV.TOKENIZER || sampleTokenizer;
  if (!__ENV.TOKENIZER && __ENV.BASE_URL && !__ENV.BASE_URL.startsWith('sim:')) throw new Error('set TOKENIZER to that of the model: prompts of an exact number of tokens are made with it');
  const form = __ENV.API || 'completion';
  const salt = __ENV.SALT === undefined ? undefined : __ENV.SALT || false;
  return {
    client: client({ api: form, tokenizer, baseURL: server(`sim:?tokenizer=${tokenizer}`) }),
    data: new Dataset({ tokenizer, api: form, seed, salt, maxTokens, ...options }),
  };
}

// texts makes a data set of texts to embed or to rank: those of DATASET, or random words of INPUT_LEN tokens.
export function texts(options) {
  if (!__ENV.INPUT_LEN) return dataset('prompts', { column: __ENV.COLUMN, maxTokens: undefined, ...options });
  const tokenizer = __ENV.TOKENIZER || sampleTokenizer;
  const salt = __ENV.SALT === undefined ? undefined : __ENV.SALT || false;
  return new Dataset({ type: 'random', inputDistribution: length('INPUT_LEN', 256), tokenizer, seed, salt, ...options });
}

// sound reads the options of speech and of transcriptions.
export function sound() {
  return {
    voice: __ENV.VOICE || undefined,
    format: __ENV.FORMAT || undefined,
    streamFormat: choice('STREAM_FORMAT', ['audio', 'sse']),
    sampleRate: number('SAMPLE_RATE', undefined),
    instructions: __ENV.INSTRUCTIONS || undefined,
    language: __ENV.LANGUAGE || undefined,
  };
}

// visual reads the options of pictures and of videos.
export function visual(size) {
  const steps = number('STEPS', undefined);
  return {
    size: __ENV.SIZE || size,
    extraBody: steps ? { num_inference_steps: steps, ...json('EXTRA_BODY') } : json('EXTRA_BODY'),
  };
}

// trendStats are the columns of the summary.
export const trendStats = ['avg', 'min', 'med', 'p(90)', 'p(99)', 'max'];

// exec is what an iteration of a script does: it sends the next item of data by client, without JavaScript. EXEC=default
// calls the script's default function instead, on a VU, as k6's own executors always do, and as a script without data does.
export function exec(client, data) {
  if (__ENV.EXEC) return __ENV.EXEC;
  if (!data || (__ENV.EXECUTOR && __ENV.EXECUTOR !== 'llm-arrival-rate')) return undefined;
  return { client, data };
}

// choice reads a setting that is one of several texts.
export function choice(name, known) {
  if (!__ENV[name] || known.includes(__ENV[name])) return __ENV[name] || undefined;
  throw new Error(`${name} is ${known.join(' or ')}, got ${JSON.stringify(__ENV[name])}`);
}

// shares reads a setting that is two shares such as 0.25-0.75.
function shares(name) {
  const text = __ENV[name];
  if (!text) return undefined;
  const [low, high, ...rest] = text.split('-').map((each) => (each.trim() ? Number(each) : NaN));
  if (rest.length || !(low >= 0 && high >= low && high <= 1)) throw new Error(`${name} is two shares such as 0.25-0.75, cannot read ${JSON.stringify(text)}`);
  return /** @type {[number, number]} */ ([low, high]);
}

// rules reads how sessions are replayed.
export function rules() {
  return {
    answers: choice('ANSWERS', ['live', 'recorded']),
    toolChoice: choice('TOOL_CHOICE', ['force_recorded', 'as_recorded']),
    badToolCalls: choice('BAD_TOOL_CALLS', ['none', 'use_recorded']),
    toolCallMaxTokens: boolean('TOOL_CALL_MAX_TOKENS'),
    speed: number('SPEED', undefined),
    maxWait: duration('MAX_WAIT'),
    predecessorTimeout: duration('PREDECESSOR_TIMEOUT'),
    maxModelLen: number('MAX_MODEL_LEN', undefined),
    cacheBust: choice('CACHE_BUST', ['session', 'pass']),
    randomSessionID: boolean('RANDOM_SESSION_ID'),
    beginInside: shares('BEGIN_INSIDE'),
  };
}

// sessionStages reads the load of a script that replays sessions: a rate of sessions, or a number of them at a time until SESSIONS,
// by default all of data, are replayed.
function sessionStages(data, concurrency) {
  if (__ENV.STAGES || (__ENV.RATE && !__ENV.CONCURRENCY)) return stages();
  const requests = number('SESSIONS', data.length);
  const at = __ENV.CONCURRENCY ? numbers('CONCURRENCY') : [concurrency];
  return at.map((each) => ({ concurrency: each, requests, rate: number('RATE', undefined), timeout: duration('STAGE_TIMEOUT') }));
}

// sessionOptions makes the options of a script that replays the sessions of data by client, by default concurrency at a time.
// CLOCK=trace begins each when it began in the trace.
export function sessionOptions(client, data, concurrency) {
  instead('a script of sessions', ['REQUESTS', 'SEARCH', 'TRACE'], 'SESSIONS, CONCURRENCY, RATE and STAGES');
  if (untilStable) throw new Error('WARMUP=until-stable would replay sessions that are to be measured: set it to a time such as 10s');
  const clock = choice('CLOCK', ['trace']);
  const load = ['STAGES', 'RATE', 'CONCURRENCY', 'SESSIONS', 'DURATION'].find((name) => __ENV[name]);
  if (clock && load) throw new Error(`set either CLOCK=trace, which begins sessions as the trace does, or ${load}`);
  return {
    scenarios: scenarios({
      stages: clock ? undefined : sessionStages(data, concurrency),
      trace: clock ? data.starts() : undefined,
      arrival: clock ? 'trace' : /** @type {'constant'} */ (__ENV.ARRIVAL || undefined),
      executor: 'llm-arrival-rate',
      exec: exec(client, data),
      gracefulStop: duration('GRACEFUL_STOP'),
      seed,
    }),
    summaryTrendStats: trendStats,
  };
}

// times reads the instants of the log TRACE, at which requests are sent unless the settings have another load.
function times() {
  const log = path(__ENV.TRACE);
  const load = ['STAGES', 'RATE', 'CONCURRENCY', 'DURATION', 'REQUESTS', 'WARMUP', 'SEARCH'].find((name) => __ENV[name]);
  if (__ENV.ARRIVAL === 'trace') {
    if (!log) throw new Error('ARRIVAL=trace needs TRACE, the file with the times');
    if (load) throw new Error(`set either ARRIVAL=trace, which sends at the times of ${__ENV.TRACE}, or ${load}`);
    return trace(log);
  }
  if (!log || load || __ENV.ARRIVAL) return undefined;
  try {
    return trace(log);
  } catch (e) {
    if (e.message.includes('no column has the times')) return undefined; // it has lengths only
    throw e;
  }
}

// options makes the options of a script that sends the items of data by client. The given stages are the load unless the settings
// contain one. In place of stages the load may be a search, {over, slo}.
export function options(client, data, defaults, defaultArrival) {
  const sought = search(!defaults || Array.isArray(defaults) ? {} : defaults);
  const recorded = times();
  const arrival = recorded ? 'trace' : __ENV.ARRIVAL || (sought ? undefined : defaultArrival);
  return {
    scenarios: scenarios({
      search: sought,
      stages: recorded || sought ? undefined : stages(defaults),
      trace: recorded,
      warmup: untilStable,
      arrival,
      burstiness: arrival === 'gamma' ? number('BURSTINESS', 0.3) : undefined,
      executor: /** @type {'llm-arrival-rate'} */ (__ENV.EXECUTOR),
      exec: exec(client, data),
      seed,
    }),
    summaryTrendStats: trendStats,
  };
}
