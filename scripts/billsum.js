// Sends conversations in the format of billsum_conversations: by default a small sample, else
// DATASET=path or name on the hub.
//
//   k6 run --out llm=run.jsonl scripts/billsum.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e DATASET=billsum.json scripts/billsum.js
//
// Settings: BASE_URL, MODEL, API, API_KEY, TOKENIZER, DATASET, FILES, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const client = settings.client();
const data = settings.dataset('billsum_conversations');

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
