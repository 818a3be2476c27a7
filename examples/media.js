// Questions about an image each, half of them of images that come again: what a server's cache of media is worth.
import { Client, Dataset, scenarios, summary } from 'k6/x/llm';

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:' });
const data = new Dataset({
  type: 'mock',
  media: { image: { resolutions: '720p', representation: 'jpeg' }, pool: { size: 10, reuse: 0.5 } },
  seed: 1,
});

export const options = {
  scenarios: scenarios({ stages: [{ rate: 10, duration: '2s' }], seed: 1, exec: { client, data } }),
};

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
