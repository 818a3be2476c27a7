// Sends two classes of users in one load, each with its own bounds and priority, and fails the run if one class misses its share of good answers.
import { Client, Dataset, scenarios, summary } from 'k6/x/llm';

const client = new Client({
  baseURL: __ENV.BASE_URL || 'sim:?max-num-seqs=16&scheduling=priority',
  classes: {
    chat: { slo: { ttft: '500ms' }, priority: 0 },
    batch: { slo: { request_latency: '30s' }, priority: 5, headers: { 'x-team': 'reports' } },
  },
});
const data = new Dataset({
  type: 'mix',
  parts: [
    { share: 0.7, label: 'chat', type: 'mock' },
    { share: 0.3, label: 'batch', type: 'mock' },
  ],
});

export const options = {
  scenarios: scenarios({ stages: [{ rate: 20, duration: '3s' }], exec: { client, data } }),
  thresholds: {
    'llm_good{label:chat}': ['rate>0.9'],
    'llm_good{label:batch}': ['rate>0.9'],
    'llm_ttft{label:chat}': ['p(99)<1000'],
  },
};

export default function () {}

export const handleSummary = summary;
