// A failure drill: one of two servers goes away for 2 s and comes back cold. The report tells how long the SLO was violated, and how long it took.
import { Client, Dataset, scenarios, summary } from 'k6/x/llm';

const events = '2s gone 2s; 4s cold x8 2s'; // since the server's first request

const client = new Client({
  baseURL: (__ENV.BASE_URL || `sim:?name=a&ttft=50ms&events=${events},sim:?name=b&ttft=50ms`).split(/,(?=sim:|http)/),
  slo: { ttft: '200ms' },
  serverMetrics: true, // their pages show which of them does not answer, and that another process does later
});
const data = new Dataset({ type: 'mock' });

export const options = {
  scenarios: scenarios({ stages: [{ rate: 20, duration: '12s' }], exec: { client, data } }),
};

export default function () {}

export const handleSummary = summary;
