// Sends several requests at once in one iteration.
import { Client } from 'k6/x/llm';

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:', api: 'completion' });

export default async function () {
  const results = await Promise.all([1, 2, 3].map((n) => client.completeAsync(`Count to ${n}`, { maxTokens: n })));
  results.forEach((r) => console.log(r.completionTokens, r.text));
}
