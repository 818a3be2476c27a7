// Has pictures made of prompts: instructions by default, or those of DATASET.
//
//   k6 run --out llm=run.jsonl scripts/image.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e SIZE=1024x1024 -e CONCURRENCY=1,4 -e DURATION=60s scripts/image.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e SIZES=512x512:3,1024x1024:1 -e N=2 -e STEPS=28 scripts/image.js
//
// SIZES draws a size for each request by weight. IMAGE is a picture to edit: requests then go to /v1/images/edits.
//
// Settings: SIZE, SIZES, N, QUALITY, OUTPUT_FORMAT, RESPONSE_FORMAT, STEPS, IMAGE, STREAMING, PARTIAL_IMAGES, DATASET, COLUMN, BASE_URL,
// MODEL, API_KEY, EXTRA_BODY, STAGES or RATE or CONCURRENCY and DURATION, SEED, LATENCY_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const api = /** @type {'image'} */ ('image');

const client = settings.client({
  api,
  ...settings.visual(),
  n: settings.number('N', undefined),
  quality: __ENV.QUALITY || undefined,
  outputFormat: __ENV.OUTPUT_FORMAT || undefined,
  responseFormat: settings.choice('RESPONSE_FORMAT', ['b64_json', 'url']),
  partialImages: settings.number('PARTIAL_IMAGES', undefined),
});
const data = settings.texts({ api, sizes: __ENV.SIZES || undefined });
const image = settings.file('IMAGE');

export const options = settings.options(client, image ? undefined : data, [{ rate: 2, duration: '20s' }]);

export default function () {
  client.send(image ? { ...data.next(), image } : data.next());
}

export function handleSummary(data) {
  return summary(data);
}
