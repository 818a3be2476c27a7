// Lets some users leave before their answers are over, as people do who close a page. The report tells how many left, and is about the others:
// whether they wait less, because the server frees the places, or as long as if nobody had left.
//
//   k6 run --out llm=run.jsonl scripts/abandon.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e SERVER_METRICS=auto -e CANCEL=20%@500ms -e RATE=10 scripts/abandon.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e CANCEL='5%@20 tokens' scripts/abandon.js
//
// Settings: CANCEL, which is how many leave and when; BASE_URL, MODEL, API, API_KEY, TOKENIZER, DATASET, STAGES or RATE and DURATION, WARMUP,
// SERVER_METRICS, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const client = settings.client({ cancel: settings.cancel('10%@200ms') });
const data = settings.conversations();

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  const { stdout } = summary(data);
  const url = /^(sim:|$)/.test(__ENV.BASE_URL || '') ? "'sim:?max-num-seqs=8'" : 'URL'; // which may hold a password
  return { stdout: `${stdout}  places     does the server free those of users who left? k6 x llm audit cancel ${url}\n\n` };
}
