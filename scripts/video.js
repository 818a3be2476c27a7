// Has videos made of prompts: instructions by default, or those of DATASET.
//
//   k6 run --out llm=run.jsonl scripts/video.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e SIZE=832x480 -e SECONDS=4 -e CONCURRENCY=1 -e DURATION=10m scripts/video.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e ENDPOINT=/videos/sync -e MODEL=wan -e FPS=16 scripts/video.js
//
// A job is asked for until it is done; POLL_INTERVAL sets how often. IMAGE is the picture to begin with. The third line is for vLLM-Omni,
// whose endpoint answers with the video.
//
// Settings: SIZE, SIZES, SECONDS, FPS, STEPS, IMAGE, POLL_INTERVAL, ENDPOINT, DATASET, COLUMN, BASE_URL, MODEL, API_KEY, EXTRA_BODY, STAGES
// or RATE or CONCURRENCY and DURATION, TIMEOUT, SEED, LATENCY_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const api = /** @type {'video'} */ ('video');

const client = settings.client({
  api,
  ...settings.visual('480x320'),
  seconds: settings.number('SECONDS', 2),
  fps: settings.number('FPS', undefined),
  pollInterval: settings.duration('POLL_INTERVAL', undefined),
});
const data = settings.texts({ api, sizes: __ENV.SIZES || undefined });
const image = settings.file('IMAGE');

export const options = settings.options(client, image ? undefined : data, [{ rate: 1, duration: '20s' }]);

export default function () {
  client.send(image ? { ...data.next(), image } : data.next());
}

export function handleSummary(data) {
  return summary(data);
}
