// Sends system prompts that many users share, each with different questions: shows the worth of a prefix cache.
//
//   k6 run --out llm=run.jsonl scripts/shared-prefix.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e TOKENIZER=org/model -e GROUPS=20 -e SYSTEM_LEN=2000 scripts/shared-prefix.js
//
// Settings: BASE_URL, MODEL, API, API_KEY, TOKENIZER, GROUPS, USERS, SYSTEM_LEN, INPUT_LEN, OUTPUT_LEN, SALT, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const { client, data } = settings.generated({
  type: 'shared_prefix',
  sharedPrefix: {
    numUniqueSystemPrompts: settings.number('GROUPS', 10),
    numUsersPerSystemPrompt: settings.number('USERS', 10),
    systemPromptLen: settings.length('SYSTEM_LEN', 100),
    questionLen: settings.length('INPUT_LEN', 50),
    outputLen: settings.length('OUTPUT_LEN', 50),
  },
});

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
