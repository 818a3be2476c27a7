// Keeps 2, 8 and 32 requests in flight, for 4 s each, the first second of which is in no figure. Measure longer stages.
import { Client, Dataset, scenarios, summary } from 'k6/x/llm';

export const options = {
  scenarios: scenarios({ warmup: '1s', stages: [2, 8, 32].map((n) => ({ concurrency: n, duration: '4s' })) }),
};

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:' });
const data = new Dataset({ type: 'mock' });

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
