// Sends tiny prompts, `mock prompt 1`, `mock prompt 2` …, as inference-perf's mock data set does: the fastest check that a server
// answers and that everything works.
//
//   k6 run --out llm=run.jsonl scripts/mock.js
//
// Settings: BASE_URL, MODEL, API, API_KEY, STAGES or RATE and DURATION, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { Dataset, summary } from 'k6/x/llm';
import * as settings from './settings.js';

settings.instead('mock.js', ['DATASET'], 'no prompts: sharegpt.js and prompts.js do');

const client = settings.client();
const data = new Dataset({ type: 'mock', api: settings.api, maxTokens: settings.maxTokens });

export const options = settings.options(client, data, [{ rate: 10, duration: '8s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
