/** In place of relay/mail/replies/extractor-worker.ts: does what the text of the mail says. Never used outside of tests. */
import process from 'node:process';
import { workerData } from 'node:worker_threads';

const { port } = workerData;

port.on('message', ({ id, email }) => {
  if (email.text === 'exit before') process.exit(1);
  port.postMessage({ kind: 'begun', id });
  if (email.text === 'hang') for (;;);
  if (email.text === 'exit') process.exit(1);
  if (email.text === 'throw') throw new Error('no');
  if (email.text === 'eat') for (const all = []; ; ) all.push(new Array(1_000_000).fill(id));
  if (email.text === 'fail') return port.postMessage({ kind: 'failed', id, cause: 'why' });
  port.postMessage({
    kind: 'done',
    id,
    words: { body: `got ${email.text}`, quoted: null, signature: null, notes: [] },
  });
});
port.postMessage({ kind: 'ready' });
