// What `k6 x llm selftest` runs: so many streams at a time of the simulator beside it.
import { Client, Dataset, scenarios } from 'k6/x/llm';

const rate = Number(__ENV.SELFTEST_RATE), streams = Number(__ENV.SELFTEST_STREAMS);
const client = new Client({ baseURL: __ENV.SELFTEST_URL, model: 'sim', api: 'completion' });
const data = new Dataset({ type: 'jsonl', path: 'selftest.jsonl', api: 'completion' });

export const options = {
  scenarios: scenarios({
    stages: [{ rate, duration: __ENV.SELFTEST_DURATION }],
    arrival: 'constant', exec: { client, data }, maxVUs: Math.ceil(streams * 1.5) + 20, gracefulStop: '30s',
  }),
};

export default function () {
  throw new Error('no iteration runs JavaScript'); // k6 wants the function to be there
}

export function handleSummary() {
  return {};
}
