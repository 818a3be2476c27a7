// Asks questions about images, of VisionArena-Chat: by default a small sample, else DATASET=path or name on the hub.
//
//   k6 run --out llm=run.jsonl scripts/visionarena.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e DATASET=lmarena-ai/VisionArena-Chat -e ROWS=200 scripts/visionarena.js
//
// Settings: ROWS (records to read), MAX_IMAGES (of a question), PLACE (of the images: 0 before the text, 1 behind it), BASE_URL, MODEL, API,
// API_KEY, DATASET, FILES, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const client = settings.client();
const data = settings.dataset('visionarena', {
  tokenizer: undefined, // which counts nothing here
  numRows: settings.number('ROWS', undefined),
  maxImages: settings.number('MAX_IMAGES', undefined),
  insertionPoint: settings.number('PLACE', undefined),
});

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
