// Checks that everything loads and answers: k6 run scripts/smoke.test.js
import { check } from 'k6';
import { Client, Dataset, version } from 'k6/x/llm';

export const options = { thresholds: { checks: ['rate==1'] } };

const client = new Client({ baseURL: 'sim:?ttft=5ms&itl=1ms' });
const data = new Dataset({ type: 'shareGPT', path: 'sample:' });
const sounds = new Dataset({ type: 'sound', durations: 1 });
const sessions = new Dataset({ type: 'workload_replay', path: 'sample:', workload: { format: 'mooncake' }, maxTokens: 3 });

export default function () {
  const session = client.replay(sessions.next());
  const chat = client.send(data.next());
  const completion = client.complete('one two', { maxTokens: 3 });
  const vectors = client.embed(['one two', 'three']);
  const scores = client.rerank('one', ['two', 'three']);
  const spoken = client.speak('one two');
  const written = client.transcribe(sounds.at(0).file);
  const drawn = client.image('one two', { size: '64x32', n: 2 });
  const filmed = client.video('one two', { size: '64x32', seconds: 1 });
  check(chat, {
    'a chat is answered': (r) => r.error === null && r.text !== '' && r.completionTokens > 0,
    'it has its times': (r) => r.ttft > 0 && r.latency >= r.ttft,
    'a completion is answered': () => completion.completionTokens === 3 && completion.itl.length === 2,
    'texts have vectors': () => vectors.inputs === 2 && vectors.vectorLength > 0 && vectors.ttft === null,
    'documents have scores': () => scores.inputs === 2 && scores.scores === 2,
    'a text is spoken': () => spoken.timeToFirstAudio > 0 && spoken.audioSeconds > 0 && spoken.ttft === null,
    'a sound is written down': () => written.text !== '' && written.audioSeconds === 1,
    'pictures are made': () => drawn.media.length === 2 && drawn.media[1].width === 64 && drawn.ttft === null,
    'a video is made': () => filmed.media[0].seconds === 1 && filmed.pollBound > 0,
    'a session is replayed': () => session.ok && session.completed === session.calls,
    'the sample has its conversations': () => data.length >= 60,
    'there is a version': () => version.length > 0,
  });
}
