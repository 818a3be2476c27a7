// Sends conversations from a file in ShareGPT format: the small sample, or DATASET=path.
//
//   k6 run --out llm=run.jsonl scripts/sharegpt.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e STAGES=5@30s,10@30s scripts/sharegpt.js
//
// Settings: BASE_URL, MODEL, API, API_KEY, DATASET, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const client = settings.client();
const data = settings.conversations();

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }, { rate: 10, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
