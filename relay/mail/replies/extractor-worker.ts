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
// The first mail is timed as every other: what it needs is loaded and compiled by then.
extractNewWords({
  text: 'Yes.\n\nOn Monday, Bob <bob@example.com> wrote:\n> May I?\n\n-- \nAnna\n',
  html: '<p>Yes.</p><blockquote type="cite"><p>May I?</p></blockquote>',
});
port.postMessage({ kind: 'ready' });
