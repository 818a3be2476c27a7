// Sends a fixed number of requests, a fixed number at a time.
import { Client, Dataset, scenarios, summary } from 'k6/x/llm';

export const options = { scenarios: scenarios({ stages: [{ requests: 40, concurrency: 8 }] }) };

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:' });
const data = new Dataset({ type: 'mock' });

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
