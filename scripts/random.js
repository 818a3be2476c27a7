// Sends prompts of random words of the model's vocabulary, with an exact number of tokens: no prefix cache can help the server.
//
//   k6 run --out llm=run.jsonl scripts/random.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e TOKENIZER=org/model -e INPUT_LEN=1000 -e OUTPUT_LEN=100-200 scripts/random.js
//
// TRACE=path takes lengths and times from a CSV file with TIMESTAMP, ContextTokens and GeneratedTokens, such as Azure's traces; with
// RATE or another load the lengths alone. CHAT_TEMPLATE=true frames each prompt with the model's chat template.
//
// Settings: BASE_URL, MODEL, API, API_KEY, TOKENIZER, INPUT_LEN, OUTPUT_LEN, TRACE, CHAT_TEMPLATE, SALT, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const lengths = __ENV.TRACE
  ? { trace: settings.path(__ENV.TRACE) }
  : { inputDistribution: settings.length('INPUT_LEN', 512), outputDistribution: settings.length('OUTPUT_LEN', 64) };

const { client, data } = settings.generated({ type: 'random', useChatTemplate: settings.boolean('CHAT_TEMPLATE'), ...lengths });

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
