// Fails the run if the SLO is not kept, by k6's thresholds on the extension's metrics.
import { Client, Dataset, scenarios, summary } from 'k6/x/llm';

export const options = {
  scenarios: scenarios({ stages: [{ rate: 20, duration: '3s' }] }),
  thresholds: {
    llm_ttft: ['p(99)<500'],
    llm_good: ['rate>0.95'],
    llm_request_failed: ['rate<0.01'],
  },
};

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:', slo: { ttft: '500ms', tpot: '50ms' } });
const data = new Dataset({ type: 'mock' });

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
