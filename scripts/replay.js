// Replays the sessions of a trace: each call is sent when those that it waits for have ended, with the server's own answers. Without
// settings it replays a small sample, a session of agents, eight times. CLOCK=trace begins each session when it began in the trace.
//
//   k6 run --out llm=run.jsonl scripts/replay.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e TOKENIZER=org/model -e DATASET=traces -e CONCURRENCY=32 scripts/replay.js
//
// Settings: BASE_URL, MODEL, API, API_KEY, DATASET, FILES, FORMAT, COLUMNS, SCOPE, FILTER, SHARE, ENTRIES, DUPLICATES, SKIP_INVALID,
// INCLUDE_ERRORS, IDLE_GAP_CAP, TOKENIZER, SPEED, MAX_WAIT, PREDECESSOR_TIMEOUT, ANSWERS, TOOL_CHOICE, BAD_TOOL_CALLS,
// TOOL_CALL_MAX_TOKENS, CACHE_BUST, RANDOM_SESSION_ID, BEGIN_INSIDE, MAX_MODEL_LEN, SESSION_HEADER, CONCURRENCY (8) with SESSIONS and
// STAGE_TIMEOUT, RATE and DURATION, or CLOCK=trace, SEED, MAX_TOKENS.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const client = settings.client({ sessionHeader: __ENV.SESSION_HEADER });

const data = settings.dataset('workload_replay', {
  workload: {
    format: __ENV.FORMAT,
    columns: settings.json('COLUMNS', '{"time": "created_at", "prompt": "question"}'),
    scope: settings.choice('SCOPE', ['trace', 'session']),
    filter: __ENV.FILTER,
    share: settings.share('SHARE', undefined),
    entries: settings.number('ENTRIES', undefined),
    duplicates: settings.number('DUPLICATES', __ENV.DATASET ? undefined : 8),
    includeErrors: settings.boolean('INCLUDE_ERRORS'),
    skipInvalid: settings.boolean('SKIP_INVALID'),
    idleGapCap: settings.duration('IDLE_GAP_CAP'),
  },
  replay: settings.rules(),
});

export const options = settings.sessionOptions(client, data, 8);

export default function () {
  client.replay(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
