/**
 * The thread that finds the new words of emails, one after the other: extractor.ts starts it, times it and kills it. It
 * says when it is ready, when it begins with a mail and what it found; it knows no clock and no log.
 */
import { workerData } from 'node:worker_threads';
import type { ExtractorPort } from './extractor.ts';
import { extractNewWords } from './new-words.ts';

// Handed in by extractor.ts, which made it.
const { port } = workerData as { port: ExtractorPort };

port.on('message', ({ id, email }) => {
  port.postMessage({ kind: 'begun', id });
  try {
    port.postMessage({ kind: 'done', id, words: extractNewWords(email) });
  } catch (cause) {
    port.postMessage({
      kind: 'failed',
      id,
      cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    });
  }
});
port.postMessage({ kind: 'ready' });
