// Asks for the scores of documents by a query. DATASET has queries with documents, or any texts of which DOCUMENTS make a request.
//
//   k6 run --out llm=run.jsonl scripts/rerank.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e DATASET=ranked.jsonl -e RATE=10,20 scripts/rerank.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8080 -e ENDPOINT=/rerank -e DOCUMENTS_FIELD=texts -e MODEL=tei scripts/rerank.js
//
// INPUT_LEN takes random words of an exact number of tokens in place of a file. The third line is for TEI.
//
// Settings: DOCUMENTS, TOP_N, QUERY_FIELD, DOCUMENTS_FIELD, ENDPOINT, DATASET, COLUMN, INPUT_LEN, TOKENIZER, BASE_URL, MODEL, API_KEY,
// STAGES or RATE and DURATION, SEED, SALT, LATENCY_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const api = /** @type {'rerank'} */ ('rerank');

const client = settings.client({
  api,
  topN: settings.number('TOP_N', undefined),
  queryField: __ENV.QUERY_FIELD,
  documentsField: __ENV.DOCUMENTS_FIELD,
});
const data = settings.texts({ api, documentCount: settings.number('DOCUMENTS', undefined) });

export const options = settings.options(client, data, [{ rate: 5, duration: '10s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
