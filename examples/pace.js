// Sends at exact arrivals where k6 refuses executors of extensions: uses shared-iterations, and waits for each arrival.
import { Client, Dataset, pace, summary } from 'k6/x/llm';

const paced = pace({ stages: [{ rate: 20, duration: '2s' }], arrival: 'poisson', seed: 1, expectedLatency: '1s' });
export const options = { scenarios: paced.scenarios };

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:' });
const data = new Dataset({ type: 'mock' });

export default function () {
  paced.wait();
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
