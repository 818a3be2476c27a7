// Runs an unchanged configuration of inference-perf: CONFIG=path. `k6 x llm run -c FILE` does the same and writes the report.
//
//   k6 run --out llm=run.jsonl -e CONFIG=config.yml scripts/inference-perf.js
//   llmconv report run.jsonl --config config.yml -o report
//
// Paths in the configuration are relative to the working directory. docs/config.md lists the effect of each key.
import { Client, Dataset, config, summary } from 'k6/x/llm';
import { exec, instead, ofLoads, path, trendStats } from './settings.js';

instead('inference-perf.js', [...ofLoads, 'BASE_URL', 'MODEL', 'API', 'API_KEY', 'DATASET', 'DURATION', 'MAX_TOKENS', 'SEED'], 'CONFIG alone');

const { client: clientOptions, dataset, scenarios } = config(path(__ENV.CONFIG) || './data/inference-perf-sample.yml');

const client = new Client(clientOptions);
const data = new Dataset(dataset);

scenarios.load.exec = exec(client, data);
export const options = { scenarios, summaryTrendStats: trendStats };

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
