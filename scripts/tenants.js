// Sends three classes of users at rates of their own to one server: people who chat, an assistant that answers from documents, and a batch
// that may wait. Each has its own bound, and a priority of which the server serves the lowest first, as vLLM does. The report has a part for each.
//
//   k6 run --out llm=run.jsonl scripts/tenants.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e CHAT_RATE=4 -e BATCH_RATE=20 -e DURATION=5m scripts/tenants.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e PRIORITY_FIELD= -e PRIORITY_HEADER= scripts/tenants.js
//
// Settings: CHAT_RATE, RAG_RATE, BATCH_RATE, DURATION, CHAT_TTFT, RAG_TTFT, BATCH_LATENCY, PRIORITY_FIELD and PRIORITY_HEADER; BASE_URL,
// MODEL, API, API_KEY, DATASET, SEED, MAX_TOKENS.
import { scenarios, summary } from 'k6/x/llm';
import * as settings from './settings.js';

settings.instead('tenants.js', [...settings.ofLoads, 'ARRIVAL', 'EXECUTOR', 'EXEC'], 'CHAT_RATE, RAG_RATE, BATCH_RATE and DURATION');

const tenants = {
  chat: { rate: settings.number('CHAT_RATE', 4), priority: 0, slo: { ttft: settings.duration('CHAT_TTFT', '300ms') } },
  rag: { rate: settings.number('RAG_RATE', 2), priority: 1, slo: { ttft: settings.duration('RAG_TTFT', '2s') } },
  batch: { rate: settings.number('BATCH_RATE', 20), priority: 2, slo: { request_latency: settings.duration('BATCH_LATENCY', '60s') } },
};
const present = Object.entries(tenants).filter(([, { rate }]) => rate !== 0);
if (!present.length) throw new Error('CHAT_RATE, RAG_RATE and BATCH_RATE are 0: one of them must be above 0');

const client = settings.client({
  baseURL: __ENV.BASE_URL || 'sim:?max-num-seqs=32&scheduling=priority',
  priorityField: __ENV.PRIORITY_FIELD,
  priorityHeader: __ENV.PRIORITY_HEADER,
  classes: Object.fromEntries(present.map(([label, { priority, slo }]) => [label, { priority, slo }])),
});
const data = settings.conversations();

// load returns the scenario of a class.
function load(label, rate) {
  return scenarios({
    label,
    stages: [{ rate, duration: settings.duration('DURATION', '10s'), warmup: settings.duration('WARMUP') }],
    executor: 'llm-arrival-rate',
    arrival: 'poisson',
    seed: settings.seed,
    exec: { client, data },
  }).load;
}

export const options = {
  scenarios: Object.fromEntries(present.map(([label, { rate }]) => [label, load(label, rate)])),
};

export default function () {}

export function handleSummary(data) {
  return summary(data);
}
