/**
 * Finds the new words of emails in a thread of its own, with a time limit for each: whatever a stranger sends, the relay
 * goes on with its work.
 *
 * Promises: every mail gets its own answer, in the order asked; one that takes too long or crashes the thread is shown
 * whole, with a note, and the next one finds a new thread. Only the work is timed, neither the wait nor the thread's start.
 */
import { createRequire } from 'node:module';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  type WorkerOptions,
} from 'node:worker_threads';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Answer, Extractor, NewWords } from '../contracts.ts';
import { EXTRACTION_NOTES } from './extraction-notes.ts';
import { wholeEmail } from './new-words.ts';

/** What the thread says. */
export type ExtractorNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'begun'; readonly id: number }
  | { readonly kind: 'done'; readonly id: number; readonly words: NewWords }
  | { readonly kind: 'failed'; readonly id: number; readonly cause: string };

/** The thread's end of the channel. */
export interface ExtractorPort {
  on(event: 'message', listener: (task: { readonly id: number; readonly email: Answer }) => void): void;
  postMessage(news: ExtractorNews): void;
}

export interface ExtractorOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** For one mail. */
  readonly limitMs?: number;
  /** Milliseconds of processor time that this process has used. */
  readonly worked?: () => number;
  /** The thread's program; tests hand in one that hangs. */
  readonly program?: URL;
}

/** Twenty times what hostile mail takes: it stops what never ends, and no mail on a machine with much else to do. */
const LIMIT_MS = 1000;
/** On a machine that has no time for us the limit is waited for again, so many times at most. */
const MAX_ROUNDS = 8;
/** A thread that has not said that it is ready by then will not. */
const START_LIMIT_MS = 30_000;
const MAX_MEMORY_MB = 256;

export function startExtractor(options: ExtractorOptions): Extractor {
  return new ThreadExtractor(options);
}

interface Job {
  readonly id: number;
  readonly email: Answer;
  readonly settle: (words: NewWords) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
}

class ThreadExtractor implements Extractor {
  readonly #options: ExtractorOptions;
  readonly #waiting: Job[] = [];
  /** The one that the thread has. */
  #job: Job | undefined;
  /** Aborted when the job is settled: ends its timer. */
  #timer = new AbortController();
  #thread: Thread | undefined;
  #nextId = 1;
  #closed = false;
  #drained: () => void = () => undefined;

  constructor(options: ExtractorOptions) {
    this.#options = options;
  }

  extract(email: Answer): Promise<NewWords> {
    if (this.#closed) return Promise.resolve(wholeEmail(email.text, EXTRACTION_NOTES.stopped));
    return new Promise((settle) => {
      // No more than it needs goes into the thread.
      const { text, html, from = [], ours = '' } = email;
      this.#waiting.push({ id: this.#nextId, email: { text, html, from, ours }, settle });
      this.#nextId += 1;
      this.#takeNext();
    });
  }

  /** What was asked for before is answered first. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#job !== undefined) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    await this.#end();
  }

  #takeNext(): void {
    if (this.#job !== undefined) return;
    this.#job = this.#waiting.shift();
    if (this.#job === undefined) this.#rest();
    else this.#hand(this.#job);
  }

  #hand({ id, email }: Job): void {
    const known = this.#thread;
    const thread = known ?? this.#start();
    if (known === undefined) this.#limit(START_LIMIT_MS);
    thread.worker.ref();
    thread.port.ref();
    thread.port.postMessage({ id, email });
  }

  /** An idle thread does not keep the process up. */
  #rest(): void {
    this.#thread?.worker.unref();
    this.#thread?.port.unref();
    this.#drained();
  }

  #start(): Thread {
    const { port1: port, port2 } = new MessageChannel();
    const program =
      this.#options.program ?? new URL(import.meta.url.replace(/extractor\.([jt]s)$/, 'extractor-worker.$1'));
    const worker = openThread(program, {
      workerData: { port: port2 },
      transferList: [port2],
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_MEMORY_MB },
    });
    const thread = { worker, port };
    port.on('message', (news: ExtractorNews) => this.#hear(thread, news));
    // Without a listener an error in the thread ends the process.
    worker.on('error', (cause) => this.#lose(thread, cause));
    worker.on('exit', () => this.#lose(thread, new Error('the thread ended')));
    this.#thread = thread;
    return thread;
  }

  /** A thread that was given up is no longer heard. */
  #hear(thread: Thread, news: ExtractorNews): void {
    const job = this.#job;
    if (thread !== this.#thread || job === undefined || news.kind === 'ready' || news.id !== job.id) return;
    if (news.kind === 'begun') this.#limit(this.#options.limitMs ?? LIMIT_MS);
    if (news.kind === 'done') this.#settle(job, news.words);
    if (news.kind === 'failed') {
      this.#options.log.warn({ tag: 'extractor', cause: news.cause }, 'new words not found, the email is shown whole');
      this.#settle(job, wholeEmail(job.email.text, EXTRACTION_NOTES.stopped));
    }
  }

  /** Replaces the job's timer by one of `ms`. */
  #limit(ms: number): void {
    const job = this.#job;
    this.#timer.abort();
    const timer = new AbortController();
    this.#timer = timer;
    void this.#wait(ms, timer.signal).then(() => {
      if (!timer.signal.aborted && job !== undefined && this.#job === job) this.#expire(job);
    });
  }

  /** For `ms`, and on until the process has worked for so long: a busy machine is not the mail's fault. */
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const { clock, worked = processorTime } = this.#options;
    const start = worked();
    for (let round = 0; round < MAX_ROUNDS && !signal.aborted; round += 1) {
      await clock.sleep(ms, signal);
      if (worked() - start >= ms) return;
    }
  }

  #expire(job: Job): void {
    const thread = this.#thread;
    // On a busy machine the answer may lie there, unread.
    const late = thread && receiveMessageOnPort(thread.port);
    if (thread !== undefined && late !== undefined) this.#hear(thread, late.message);
    if (this.#job !== job) return;
    this.#options.log.warn({ tag: 'extractor' }, 'finding the new words took too long, the email is shown whole');
    this.#give(job);
  }

  #lose(thread: Thread, cause: unknown): void {
    if (thread !== this.#thread) return;
    this.#options.log.warn({ tag: 'extractor', cause }, 'the thread that finds new words ended');
    const job = this.#job;
    if (job === undefined) this.#thread = undefined;
    else this.#give(job);
  }

  /** Gives up the thread and its job. */
  #give(job: Job): void {
    void this.#end();
    this.#settle(job, wholeEmail(job.email.text, EXTRACTION_NOTES.stopped));
  }

  #settle(job: Job, words: NewWords): void {
    this.#timer.abort();
    this.#job = undefined;
    job.settle(words);
    this.#takeNext();
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    thread?.port.close();
    await thread?.worker.terminate();
  }
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** In a checkout Node 20 needs tsx to read the program, and tsx wants to be told in each thread. Newer Nodes read it. */
function openThread(program: URL, options: WorkerOptions): Worker {
  const reads = 'typescript' in process.features && process.features.typescript !== false;
  if (!program.pathname.endsWith('.ts') || reads) return new Worker(program, options);
  // The form for require stands beside the one for import and does not work in a thread.
  const tsx = pathToFileURL(
    createRequire(import.meta.url)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs'),
  ).href;
  const start = `import(${JSON.stringify(tsx)}).then((tsx) => (tsx.register(), import(${JSON.stringify(program.href)})))`;
  return new Worker(start, { ...options, eval: true });
}
