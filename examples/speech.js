// Bounds how soon listeners hear something, and how fast sound is made: k6 run examples/speech.js
import { Client, scenarios } from 'k6/x/llm';

const client = new Client({ baseURL: __ENV.BASE_URL || 'sim:?speech-rate=3', api: 'speech', voice: 'alloy' });

export const options = {
  scenarios: scenarios({ stages: [{ rate: 2, duration: '10s' }] }),
  thresholds: {
    llm_time_to_first_audio: ['p(95)<300'],
    llm_real_time_factor: ['p(95)<1'], // as fast as it plays
    llm_request_failed: ['rate<0.01'],
  },
};

export default function () {
  const r = client.speak('The train to the coast leaves from platform four in ten minutes.', { speed: 1.2 });
  if (r.error) console.warn(`${r.errorType}: ${r.error}`);
}
