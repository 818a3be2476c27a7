// A benchmark of one's own, which Kustomize puts into a ConfigMap: the load, and the prompts of /datasets or of the hub.
import { Client, Dataset, scenarios, summary } from 'k6/x/llm';

export const options = {
  scenarios: scenarios({ stages: [{ rate: 20, duration: '60s' }, { rate: 40, duration: '60s' }], arrival: 'poisson', seed: 1 }),
};
const client = new Client({ baseURL: __ENV.BASE_URL, apiKey: __ENV.API_KEY, model: __ENV.MODEL });
const data = new Dataset({ type: 'shareGPT', path: __ENV.DATASET, files: __ENV.FILES, seed: 1 });

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
