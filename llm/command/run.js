// Runs the load of an inference-perf configuration, for `k6 x llm run`.
import { Client, Dataset, config, refuse, summary } from 'k6/x/llm';

// made calls make. It reports an error without the position in this script, because the fault is in the configuration.
function made(make) {
  try {
    return make();
  } catch (e) {
    return refuse(e.message);
  }
}

const { client: clientOptions, dataset, scenarios } = made(() => config(__ENV.K6_LLM_CONFIG));

const client = made(() => new Client(clientOptions));
const data = made(() => new Dataset(dataset));

scenarios.load.exec = __ENV.EXEC || { client, data }; // a function's name, or without JavaScript
export const options = { scenarios, summaryTrendStats: ['avg', 'min', 'med', 'p(90)', 'p(99)', 'max'] };

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return __ENV.K6_LLM_BRIEF ? {} : summary(data); // the report follows
}
