// Sends one request and prints its figures.
import { Client } from 'k6/x/llm';

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:' });

export default function () {
  const r = client.chat('Why is the sky blue?', { maxTokens: 20 });
  if (r.error) throw new Error(`${r.errorType}: ${r.error}`);
  console.log(`${r.completionTokens} tokens, the first after ${r.ttft.toFixed(1)} ms, then one each ${r.tpot?.toFixed(1)} ms: ${r.text}`);
}
