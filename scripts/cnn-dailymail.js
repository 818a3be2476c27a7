// Sends articles to summarize, in the format of CNN/DailyMail: by default a small sample, else DATASET=path or
// name on the hub.
//
//   k6 run --out llm=run.jsonl scripts/cnn-dailymail.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e DATASET=abisee/cnn_dailymail -e 'FILES=3.0.0/train-*.parquet' scripts/cnn-dailymail.js
//
// Settings: BASE_URL, MODEL, API, API_KEY, TOKENIZER, DATASET, FILES, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const client = settings.client();
const data = settings.dataset('cnn_dailymail');

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
