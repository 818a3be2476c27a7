// Has sounds written down: made-up ones by default, or the files of DATASET, a file or a folder.
//
//   k6 run --out llm=run.jsonl scripts/transcription.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e DATASET=recordings -e RATE=1,2 scripts/transcription.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e SECONDS=5-60 -e STREAMING=true scripts/transcription.js
//
// Settings: SECONDS, SOUNDS, FORMAT, LANGUAGE, STREAMING, DATASET, FILES, BASE_URL, MODEL, API_KEY, STAGES or RATE and DURATION, SEED,
// TTFT_SLO, LATENCY_SLO, RTF_SLO.
import { Dataset, summary } from 'k6/x/llm';
import * as settings from './settings.js';

const api = /** @type {'transcription'} */ ('transcription');

const client = settings.client({ api, ...settings.sound() });
const data = new Dataset({
  type: 'sound',
  path: settings.path(__ENV.DATASET),
  files: __ENV.FILES,
  durations: settings.length('SECONDS', undefined),
  poolSize: settings.number('SOUNDS', undefined),
  seed: settings.seed,
});

export const options = settings.options(client, data, [{ rate: 2, duration: '20s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
