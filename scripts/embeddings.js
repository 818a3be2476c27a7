// Asks for vectors of texts: instructions by default, or those of DATASET, BATCH_SIZE of them in each request.
//
//   k6 run --out llm=run.jsonl scripts/embeddings.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e BATCH_SIZE=32 -e RATE=10,20 scripts/embeddings.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e TOKENIZER=org/model -e INPUT_LEN=256 scripts/embeddings.js
//
// INPUT_LEN takes random words of an exact number of tokens in place of a file.
//
// Settings: BATCH_SIZE, DIMENSIONS, ENCODING_FORMAT, DATASET, COLUMN, INPUT_LEN, TOKENIZER, BASE_URL, MODEL, API_KEY, STAGES or RATE
// and DURATION, SEED, SALT, LATENCY_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const api = /** @type {'embeddings'} */ ('embeddings');

const client = settings.client({
  api,
  dimensions: settings.number('DIMENSIONS', undefined),
  encodingFormat: /** @type {'float' | 'base64'} */ (__ENV.ENCODING_FORMAT || undefined),
});
const data = settings.texts({ api, batchSize: settings.number('BATCH_SIZE', undefined) });

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
