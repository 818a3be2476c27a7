// Splits requests over LoRA adapters, ADAPTERS=name:share,… The shares add up to 1. The draw depends on the request's number, so
// a request has the same adapter in every run.
//
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e ADAPTERS=lora-a:0.7,lora-b:0.3 scripts/lora.js
//
// Settings: ADAPTERS, BASE_URL, MODEL, API, API_KEY, DATASET, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const adapters = (__ENV.ADAPTERS || 'lora-a:0.7,lora-b:0.3').split(',').map((adapter) => {
  const at = adapter.lastIndexOf(':');
  if (at < 1 || !(Number(adapter.slice(at + 1)) >= 0)) {
    throw new Error(`ADAPTERS is name:share,… such as a:0.7,b:0.3; cannot read ${JSON.stringify(adapter)}`);
  }
  return { name: adapter.slice(0, at).trim(), split: Number(adapter.slice(at + 1)) };
});
const client = settings.client({
  adapters,
  baseURL: __ENV.BASE_URL || `sim:?lora=${adapters.map((a) => a.name).join(',')}`,
});
const data = settings.conversations();

export const options = settings.options(client, data, [{ rate: 10, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
