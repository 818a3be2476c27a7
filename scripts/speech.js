// Has texts spoken: instructions by default, or those of DATASET.
//
//   k6 run --out llm=run.jsonl scripts/speech.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e VOICE=alloy -e RATE=1,2 scripts/speech.js
//   k6 run --out llm=run.jsonl -e BASE_URL=http://localhost:8000/v1 -e STREAM_FORMAT=sse -e FORMAT=wav scripts/speech.js
//
// INPUT_LEN takes random words of an exact number of tokens in place of a file. STREAMING=false asks for whole files.
//
// Settings: VOICE, FORMAT, STREAM_FORMAT, SAMPLE_RATE, SPEED_OF_SPEECH, INSTRUCTIONS, LANGUAGE, STREAMING, DATASET, COLUMN, INPUT_LEN,
// TOKENIZER, BASE_URL, MODEL, API_KEY, STAGES or RATE and DURATION, SEED, SALT, LATENCY_SLO, FIRST_AUDIO_SLO, RTF_SLO.
import { summary } from 'k6/x/llm';
import * as settings from './settings.js';

const api = /** @type {'speech'} */ ('speech');

const client = settings.client({ api, ...settings.sound(), speed: settings.number('SPEED_OF_SPEECH', undefined) });
const data = settings.texts({ api });

export const options = settings.options(client, data, [{ rate: 2, duration: '20s' }]);

export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
