// Leads conversations: each turn repeats the previous turns with the server's own answers, and is sent once the previous turn is
// answered. The conversations come from the small sample, or from DATASET=path in ShareGPT format. With
// KIND=shared_prefix or KIND=conversation_replay they are generated, with exact lengths.
//
//   k6 run --out llm=run.jsonl scripts/multi-turn.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e TOKENIZER=org/model -e KIND=shared_prefix -e SYSTEM_LEN=2000 scripts/multi-turn.js
//
// Settings: BASE_URL, MODEL, API, API_KEY, TOKENIZER, KIND, SESSIONS (open at once), TURNS, DATASET, GROUPS, USERS, SYSTEM_LEN,
// INPUT_LEN, OUTPUT_LEN, STAGES or RATE and DURATION, SEED, MAX_TOKENS, TTFT_SLO, TPOT_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const sessions = settings.number('SESSIONS', 20);

function open() {
  switch (__ENV.KIND || 'shareGPT') {
    case 'shareGPT':
      return { client: settings.client(), data: settings.dataset('shareGPT', { turns: 'all', sessions }) };
    case 'shared_prefix':
      return settings.generated({
        type: 'shared_prefix',
        sessions,
        turns: settings.number('TURNS', 5),
        sharedPrefix: {
          numUniqueSystemPrompts: settings.number('GROUPS', 10),
          numUsersPerSystemPrompt: settings.number('USERS', 10),
          systemPromptLen: settings.length('SYSTEM_LEN', 100),
          questionLen: settings.length('INPUT_LEN', 50),
          outputLen: settings.length('OUTPUT_LEN', 50),
          enableMultiTurnChat: true,
        },
      });
    case 'conversation_replay':
      return settings.generated({
        type: 'conversation_replay',
        sessions,
        conversationReplay: {
          sharedSystemPromptLen: settings.number('SYSTEM_LEN', 1000),
          turnsPerConversation: settings.number('TURNS', 5),
          inputTokensPerTurn: settings.length('INPUT_LEN', 50),
          outputTokensPerTurn: settings.length('OUTPUT_LEN', 50),
        },
      });
    default:
      throw new Error(`KIND is shareGPT, shared_prefix or conversation_replay, got ${JSON.stringify(__ENV.KIND)}`);
  }
}

const { client, data } = open();

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
