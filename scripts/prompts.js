// Sends prompts of your own: DATASET=path of a JSONL, JSON, CSV, TSV, Parquet or text file (a prompt a line), of a folder, or a
// name on the hub; by default some instructions.
//
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e DATASET=prompts.jsonl scripts/prompts.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e DATASET=faq.csv -e COLUMN=question -e MAX_TOKENS=200 scripts/prompts.js
//
// Settings: DATASET, COLUMN (prompt or messages), MAX_TOKENS, FILES, BASE_URL, MODEL, API, API_KEY, TOKENIZER, STAGES or RATE and
// DURATION, SEED, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const client = settings.client();
const data = settings.dataset('prompts', { column: __ENV.COLUMN });

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
