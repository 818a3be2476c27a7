// Lets a user give up by a signal in the middle of an answer. k6 has no AbortController: a few lines make one.
import { Client } from 'k6/x/llm';

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:' });

// controller returns a signal, and what a user does to give up.
function controller() {
  const listeners = [];
  const signal = { aborted: false, addEventListener: (type, listener) => listeners.push(listener) };
  const abort = () => {
    signal.aborted = true;
    listeners.forEach((listener) => listener());
  };
  return { signal, abort };
}

export default async function () {
  const { signal, abort } = controller();
  setTimeout(abort, 500);
  const r = await client.chatAsync('Tell me a long story.', { maxTokens: 500, signal });
  console.log(`${r.errorType} after ${r.latency.toFixed(0)} ms, with ${r.text.split(' ').length} words read`);
}
