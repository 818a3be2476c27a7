// Raises the rate in stages, to find where the server saturates: from FROM to TO requests per second in STEPS stages of DURATION
// each. Each stage waits for the end of the previous one, so that none inherits a queue. The report has a file for each stage.
//
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e FROM=1 -e TO=50 -e STEPS=10 -e DURATION=60s scripts/saturation.js
//
// Settings: FROM (5), TO (40), STEPS (4), DURATION (5s), BASE_URL, MODEL, API, API_KEY, DATASET, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { scenarios, summary } from 'k6/x/llm';
import * as settings from './settings.js';

settings.instead('saturation.js', settings.ofLoads, 'FROM, TO, STEPS and DURATION');

const from = settings.number('FROM', 5);
const to = settings.number('TO', 40);
const steps = settings.number('STEPS', 4);
const stages = Array.from({ length: steps }, (_, i) => ({
  rate: Math.round((steps > 1 ? from + ((to - from) * i) / (steps - 1) : to) * 1000) / 1000,
  duration: settings.duration('DURATION', '5s'),
}));

const client = settings.client();
const data = settings.conversations();

export const options = {
  scenarios: scenarios({
    stages,
    warmup: settings.warmup(),
    arrival: /** @type {'poisson'} */ (__ENV.ARRIVAL || 'poisson'),
    seed: settings.seed,
    interval: '1s',
    exec: settings.exec(client, data),
  }),
  summaryTrendStats: settings.trendStats,
};

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
