// Counts tokens as a model does, and compares the server's count of a prompt with the client's.
//
//   k6 run -e TOKENIZER=org/model -e BASE_URL=http://localhost:8000/v1 examples/tokens.js
import { Client, Tokenizer } from 'k6/x/llm';
import { check } from 'k6';

const path = __ENV.TOKENIZER || '../llm/tokenizer/testdata/bpe-llama3.json'; // a file, a folder, or a name on the hub
const tokenizer = new Tokenizer(path);
const client = new Client({ baseURL: __ENV.BASE_URL || `sim:?tokenizer=${path}`, api: 'completion', tokenizer: path });

export default function () {
  const prompt = 'Shall I compare thee to a summer’s day?';
  const ids = tokenizer.encode(prompt);
  console.log(`${tokenizer.count(prompt)} tokens: ${ids.map((id) => JSON.stringify(tokenizer.decode([id]))).join(' ')}`);

  const answer = client.complete(prompt, { maxTokens: 20 });
  check(answer, { answered: (r) => r.error === null, 'as many tokens as asked for': (r) => r.completionTokens === 20 });
  console.log(`the prompt has ${answer.promptTokens} tokens with the special ones`);
}
