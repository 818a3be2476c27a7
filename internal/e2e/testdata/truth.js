// One load against one server: STAGE and EXECUTOR as scenarios() takes them, TOKENS of each answer, BURN ms of JavaScript before each request.
import { Client, scenarios, summary } from 'k6/x/llm';

export const options = { scenarios: scenarios({ stages: [JSON.parse(__ENV.STAGE)], executor: __ENV.EXECUTOR || undefined }) };

const client = new Client({ baseURL: __ENV.BASE_URL });
const tokens = Number(__ENV.TOKENS);
const burn = Number(__ENV.BURN);

export default function () {
  const until = Date.now() + burn;
  while (Date.now() < until);
  client.chat('hi', { maxTokens: tokens });
}

export function handleSummary(data) {
  return summary(data);
}
