/** The floor of extraction: a thread that is handed the same mails, reads every line of both parts, and answers with the text. */
import { workerData } from 'node:worker_threads';

const { port } = workerData;

port.on('message', ({ id, email }) => {
  port.postMessage({ kind: 'begun', id });
  const body = email.text.split('\n').join('\n');
  const quoted = email.html === null ? null : email.html.split('\n').join('\n');
  port.postMessage({ kind: 'done', id, words: { body, quoted, signature: null, notes: [] } });
});
port.postMessage({ kind: 'ready' });
