// Finds the highest rate at which the server keeps the SLO; SEARCH=concurrency finds the highest number of requests at a time.
//
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e SLO='p99(ttft)<500ms,failures<1%' scripts/search.js
//
// Settings: SEARCH (rate), SLO (p99(ttft)<500ms,failures<1%), SEARCH_MIN, SEARCH_MAX, RESOLUTION, DURATION, HOLD, MAX_PROBES, BASE_URL, MODEL,
// API, API_KEY, DATASET, SEED, MAX_TOKENS.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const client = settings.client({ baseURL: settings.server('sim:?ttft=50ms&itl=1ms&max-num-seqs=8') });
const data = settings.conversations();

// The simulator is fast, so short probes suffice for a first look.
const brief = __ENV.BASE_URL ? {} : { min: 8, probe: '4s', resolution: 0.1 };

export const options = settings.options(client, data, { over: 'rate', slo: 'p99(ttft)<500ms,failures<1%', ...brief });

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
