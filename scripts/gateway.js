// Sends each prompt to a server directly and through the gateway before it, one after the other in random order, so that what the gateway
// adds can be told request by request. Without DIRECT_URL and GATEWAY_URL they are the simulator and a proxy that adds 2 ms.
//
//   k6 run --out llm=gateway.jsonl scripts/gateway.js
//   k6 run --out llm=gateway.jsonl -e DIRECT_URL=http://localhost:8000/v1 -e GATEWAY_URL=http://localhost:4000/v1 -e RATE=2 -e DURATION=5m scripts/gateway.js
//
// Settings: DIRECT_URL, GATEWAY_URL, DIRECT_MODEL, GATEWAY_MODEL, GATEWAY_KEY, OVERLAP, PAUSE, MODEL, API, API_KEY, DATASET, STAGES or RATE and
// DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { Client, summary } from 'k6/x/llm';
import * as settings from './settings.js';

settings.instead('gateway.js', ['BASE_URL'], 'DIRECT_URL and GATEWAY_URL');

const simulator = 'sim:?ttft=50ms&itl=5ms';
const given = __ENV.DIRECT_URL || __ENV.GATEWAY_URL;
if (given && !(__ENV.DIRECT_URL && __ENV.GATEWAY_URL)) throw new Error('set both DIRECT_URL and GATEWAY_URL: what they add is told by the difference');

const direct = settings.client({
  baseURL: given ? __ENV.DIRECT_URL : simulator,
  model: __ENV.DIRECT_MODEL || __ENV.MODEL,
});
const gateway = settings.client({
  baseURL: given ? __ENV.GATEWAY_URL : `${simulator}&proxy-delay=2ms`,
  model: __ENV.GATEWAY_MODEL || __ENV.MODEL,
  apiKey: __ENV.GATEWAY_KEY || __ENV.API_KEY,
});
const pair = new Client({
  pair: { direct, gateway },
  overlap: settings.boolean('OVERLAP'),
  pause: settings.duration('PAUSE'),
});
const data = settings.conversations();

export const options = settings.options(pair, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  pair.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
