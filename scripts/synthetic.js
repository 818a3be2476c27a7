// Sends pieces of a text with an exact number of tokens: of the built-in text, or of CORPUS=path.
//
//   k6 run --out llm=run.jsonl scripts/synthetic.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e TOKENIZER=org/model -e INPUT_LEN=1000 -e OUTPUT_LEN=100-200 scripts/synthetic.js
//
// Settings: BASE_URL, MODEL, API, API_KEY, TOKENIZER, INPUT_LEN, OUTPUT_LEN, CORPUS, SALT, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const { client, data } = settings.generated({
  type: 'synthetic',
  inputDistribution: settings.length('INPUT_LEN', { mean: 512, stdDev: 200 }),
  outputDistribution: settings.length('OUTPUT_LEN', 64),
  corpusFilePath: settings.path(__ENV.CORPUS),
});

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
