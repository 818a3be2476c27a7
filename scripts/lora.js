// Splits requests over LoRA adapters, ADAPTERS=name:share,… The shares add up to 1. The draw depends on the request's number, so
// a request has the same adapter in every run.
//
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e ADAPTERS=lora-a:0.7,lora-b:0.3 scripts/lora.js
//
// Settings: ADAPTERS, BASE_URL, MODEL, API, API_KEY, DATASET, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const adapters = settings.adapters('lora-a:0.7,lora-b:0.3');
const client = settings.client({
  adapters,
  baseURL: settings.server(`sim:?lora=${adapters.map((a) => a.name).join(',')}`),
});
const data = settings.conversations();

export const options = settings.options(client, data, [{ rate: 10, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
