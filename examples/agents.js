// Replays made-up agents, four at a time: they call tools, hand work to others, and talk to a user.
import { Client, Dataset, scenarios, summary } from 'k6/x/llm';

const data = new Dataset({
  type: 'synthetic_agentic',
  tokensPerWord: 1, // as the simulator counts; for a server, name the model's tokenizer in its place
  replay: { speed: 10 }, // tools and users take a tenth of their times
  syntheticAgentic: {
    numSessions: 8, turnsPerSession: 2, inputTokensPerTurn: 300, outputTokensPerTurn: 40, fanoutProbability: 0.3,
    maxEventsPerSession: 20,
  },
});
const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:' });

export const options = {
  scenarios: scenarios({ stages: [{ requests: 8, concurrency: 4, rate: 2 }], exec: { client, data } }),
};

export default function () {} // k6 demands a function

export const handleSummary = summary;
