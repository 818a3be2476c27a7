// Sends two classes of users in one load: chats with a tight bound, and questions behind long texts that share them, with a loose one.
// PROMPTS mixes files instead, whose names become the labels.
//
//   k6 run --out llm=run.jsonl scripts/mix.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e TOKENIZER=org/model -e CHAT_SHARE=0.9 -e RAG_TTFT=3s scripts/mix.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e PROMPTS=chat.json@0.7,rag.jsonl@0.3 scripts/mix.js
//
// Settings: PROMPTS, COLUMN, or CHAT_SHARE, CHAT_LEN, RAG_LEN, OUTPUT_LEN, CHAT_TTFT, RAG_TTFT and SALT; BASE_URL, MODEL, API, API_KEY,
// TOKENIZER, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { Dataset, summary } from 'k6/x/llm';
import * as settings from './settings.js';

settings.instead('mix.js', ['DATASET'], 'PROMPTS, the files of a mix');

const files = settings.mix();
const share = settings.share('CHAT_SHARE', 0.7);
if (share === 0 || share === 1) throw new Error(`CHAT_SHARE must be above 0 and below 1, got ${share}: other scripts send one class`);

function made() {
  return settings.generated({
    type: 'mix',
    parts: [
      {
        share,
        label: 'chat',
        slo: { ttft: settings.duration('CHAT_TTFT', '300ms') },
        type: 'random',
        inputDistribution: settings.length('CHAT_LEN', 100),
        outputDistribution: settings.length('OUTPUT_LEN', 50),
      },
      {
        share: 1 - share,
        label: 'rag',
        slo: { ttft: settings.duration('RAG_TTFT', '2s') },
        type: 'shared_prefix',
        sharedPrefix: {
          systemPromptLen: settings.length('RAG_LEN', 1000),
          questionLen: settings.length('CHAT_LEN', 100),
          outputLen: settings.length('OUTPUT_LEN', 50),
        },
      },
    ],
  });
}

const { api, seed, maxTokens } = settings;
const { client, data } = files
  ? { client: settings.client(), data: new Dataset({ type: 'mix', api, seed, maxTokens, tokenizer: __ENV.TOKENIZER, parts: files }) }
  : made();

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
