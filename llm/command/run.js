// What `k6 x llm run` runs: the load of an inference-perf configuration.
import { Client, Dataset, config, summary } from 'k6/x/llm';

const { client: clientOptions, dataset, scenarios } = config(__ENV.K6_LLM_CONFIG);

export const options = { scenarios, summaryTrendStats: ['avg', 'min', 'med', 'p(90)', 'p(99)', 'max'] };

const client = new Client(clientOptions);
const data = new Dataset(dataset);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
