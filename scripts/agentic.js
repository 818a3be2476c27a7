// Replays made-up sessions of agents: each question leads to calls of tools, and some agents hand work to sub-agents. Texts and lengths
// are drawn from the seed, so every run of a seed sends the same sessions. The answers in the prompts are the server's own.
//
//   k6 run --out llm=run.jsonl scripts/agentic.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e TOKENIZER=org/model -e SESSIONS=200 -e CONCURRENCY=16 -e FANOUT=0.2 scripts/agentic.js
//
// Settings: BASE_URL, MODEL, API, API_KEY, SESSIONS (24), TURNS, INPUT_LEN, OUTPUT_LEN, SYSTEM_LEN, TOOL_LOOP, TOOLS, FANOUT, SUB_AGENTS,
// TOOL_TIME and THINK_TIME (seconds), THEME, TOKENIZER or TOKENS_PER_WORD, SPEED, MAX_WAIT, PREDECESSOR_TIMEOUT,
// ANSWERS, TOOL_CHOICE, BAD_TOOL_CALLS, TOOL_CALL_MAX_TOKENS, CACHE_BUST, RANDOM_SESSION_ID, BEGIN_INSIDE, MAX_MODEL_LEN,
// SESSION_HEADER, CONCURRENCY (8) and STAGE_TIMEOUT, or RATE and DURATION, SEED.
import { Dataset, summary } from 'k6/x/llm';
import * as settings from './settings.js';

settings.instead('agentic.js', ['DATASET'], 'what its agents do: replay.js takes sessions from a file');

const client = settings.client({ sessionHeader: __ENV.SESSION_HEADER });

// The simulator is fast, so a look at it need not last long.
const brief = !__ENV.BASE_URL;

const data = new Dataset({
  type: 'synthetic_agentic',
  api: settings.api,
  seed: settings.seed,
  tokenizer: __ENV.TOKENIZER,
  tokensPerWord: __ENV.TOKENIZER ? undefined : settings.number('TOKENS_PER_WORD', 1.3),
  syntheticAgentic: {
    numSessions: settings.number('SESSIONS', 24),
    turnsPerSession: settings.length('TURNS', 2),
    inputTokensPerTurn: settings.length('INPUT_LEN', 300),
    outputTokensPerTurn: settings.length('OUTPUT_LEN', 100),
    sharedSystemPromptLen: settings.number('SYSTEM_LEN', 1000),
    toolLoopDepth: settings.length('TOOL_LOOP', 2),
    toolCatalogSizePerAgent: settings.length('TOOLS', 8),
    fanoutProbability: settings.share('FANOUT', 0.25),
    subAgentsPerSpawn: settings.length('SUB_AGENTS', { type: 'uniform', min: 2, max: 4 }),
    toolCallLatencySec: settings.number('TOOL_TIME', brief ? 0.1 : 1),
    userThinkTimeSec: settings.number('THINK_TIME', brief ? 0.5 : 10),
    themeMix: __ENV.THEME ? { [__ENV.THEME]: 1 } : undefined,
  },
  replay: settings.rules(),
});

export const options = settings.sessionOptions(client, data, 8);

export default function () {
  client.replay(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
