// Leads a conversation: each turn sends the previous turns and their answers.
import exec from 'k6/execution';
import { Client } from 'k6/x/llm';

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:' });

export default function () {
  const messages = [];
  const sessionID = `session-${exec.scenario.iterationInTest}`; // a number of its own, over all instances
  ['Hello', 'Tell me more', 'Thanks'].forEach((content, turn) => {
    messages.push({ role: 'user', content });
    const r = client.chat(messages, { maxTokens: 10, sessionID, turn });
    if (r.error) throw new Error(`turn ${turn}: ${r.errorType}: ${r.error}`);
    messages.push({ role: 'assistant', content: r.text });
  });
}
