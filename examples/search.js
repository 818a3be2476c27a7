// Finds how many requests at a time the server carries within an SLO, up to 16. Measure longer: leave probe out.
import { Client, Dataset, scenarios, summary } from 'k6/x/llm';

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:?ttft=20ms&itl=1ms&max-num-seqs=6' });
const data = new Dataset({ type: 'mock' });

export const options = {
  scenarios: scenarios({
    search: { over: 'concurrency', slo: 'p90(ttft)<40ms,failures<1%', min: 2, max: 16, probe: '1s' },
    exec: { client, data },
  }),
};

export default function () {
  client.send(data.next()); // what other executors do; k6 demands a function
}

export function handleSummary(data) {
  return summary(data);
}
