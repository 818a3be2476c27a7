// What `k6 x llm selftest` runs: so many streams at a time of the simulator beside it.
import { Client, scenarios, summary } from 'k6/x/llm';

const rate = Number(__ENV.SELFTEST_RATE), tokens = Number(__ENV.SELFTEST_TOKENS), streams = Number(__ENV.SELFTEST_STREAMS);

export const options = {
  scenarios: scenarios({
    stages: [{ rate, duration: __ENV.SELFTEST_DURATION }],
    arrival: 'constant', executor: 'llm-arrival-rate',
    preAllocatedVUs: Math.ceil(streams * 1.1) + 5, maxVUs: Math.ceil(streams * 1.5) + 20, gracefulStop: '30s',
  }),
};
const client = new Client({ baseURL: __ENV.SELFTEST_URL, model: 'sim', api: 'completion' });

export default function () {
  client.complete('hello', { maxTokens: tokens });
}

export function handleSummary() {
  return {};
}
