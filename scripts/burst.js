// Sends a bursty load: gaps of a gamma distribution at the given mean rate. The smaller BURSTINESS, the burstier the load (1 is
// Poisson).
//
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e RATE=10 -e DURATION=60s -e BURSTINESS=0.2 scripts/burst.js
//
// Settings: BURSTINESS (0.3), BASE_URL, MODEL, API, API_KEY, DATASET, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const client = settings.client();
const data = settings.conversations();

export const options = settings.options(client, data, [{ rate: 10, duration: '15s' }], 'gamma');

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
