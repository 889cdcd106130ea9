/**
 * A real relay in this process for tests of the HTTP interface: raw requests over TCP or the Unix socket, and every
 * answer held against the relay's own /openapi.json (status declared, body as described, nothing besides).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { type Clock, systemClock } from '../../relay/clock.ts';
import { loadConfig } from '../../relay/config.ts';
import { type Log, silentLog } from '../../relay/log.ts';
import type { WebFetch } from '../../relay/mail/web/web-fetch.ts';
import { openRelay, type RunningRelay } from '../../relay/relay.ts';
import { ErrorAnswer, RegisteredAgent } from '../../relay/wire.ts';
import { checkAnswer, type OpenApi } from './openapi-check.ts';
import { type Zone, zoneResolver } from './zone-resolver.ts';

export interface CallOptions {
  /** Left out: the admin key. Null: no key. */
  readonly key?: string | null;
  /** Sent as JSON; a string or Buffer is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Over the Unix socket instead of TCP. */
  readonly socket?: boolean;
  readonly signal?: AbortSignal;
  readonly agent?: http.Agent;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The parsed body; undefined where it is no JSON. */
  readonly json: unknown;
  /** Of an error; empty for any other answer. */
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** The body as this schema reads it; throws where it does not fit. */
  as<S extends z.ZodType>(schema: S): z.output<S>;
}

export interface TestAgent {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly key: string;
  readonly keyId: string;
}

export interface RelayFixture extends AsyncDisposable {
  readonly relay: RunningRelay;
  readonly dataDir: string;
  readonly adminKey: string;
  readonly openApi: OpenApi;
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  agent(name?: string, profile?: Readonly<Record<string, unknown>>): Promise<TestAgent>;
  /** From one agent to others; the stored message. */
  send(from: TestAgent, to: string | readonly string[], fields?: Readonly<Record<string, unknown>>): Promise<Reply>;
  /** The current value of a line of /metrics. */
  metric(name: string): Promise<number>;
  close(): Promise<void>;
}

/** Real time that a test can move forward; waits stay real. */
export class ShiftedClock implements Clock {
  #shift = 0;
  readonly chance = systemClock.chance;
  readonly sleep = systemClock.sleep;

  now(): number {
    return systemClock.now() + this.#shift;
  }

  advance(ms: number): void {
    this.#shift += ms;
  }
}

export interface FixtureOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly log?: Log;
  /** What the DNS knows; nothing where left out. */
  readonly zone?: Zone;
  /** The web outside; it does not answer where left out. */
  readonly fetch?: WebFetch;
}

export function temporaryFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'turnpost-test-'));
}

/** What a relay beside others needs: its own folder, free ports. */
export function testSettings(dataDir: string): Record<string, string> {
  return { TURNPOST_DATA_DIR: dataDir, TURNPOST_HTTP_PORT: '0', TURNPOST_SMTP_PORT: '0', TURNPOST_LOG_LEVEL: 'silent' };
}

const nobodyAnswers: WebFetch = async (url) => {
  throw new Error(`nobody answers at ${url}`);
};

export async function openFixture(options: FixtureOptions = {}): Promise<RelayFixture> {
  const { env = {}, clock = systemClock, log = silentLog, fetch = nobodyAnswers } = options;
  const dataDir = temporaryFolder();
  const config = loadConfig({ ...testSettings(dataDir), ...env });
  const relay = await openRelay(config, log, clock, zoneResolver(options.zone ?? {}).resolve, fetch);
  const openApi: OpenApi = JSON.parse((await request(relay, 'GET', '/openapi.json', { key: null })).text);
  const call = async (method: string, where: string, options: CallOptions = {}): Promise<Reply> => {
    const reply = await request(relay, method, where, options);
    checkAnswer(openApi, method, where, reply);
    return reply;
  };
  const close = async (): Promise<void> => {
    await relay.close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return {
    relay,
    dataDir,
    adminKey: relay.adminKey,
    openApi,
    call,
    async agent(name, profile = {}) {
      const reply = await call('POST', '/v1/agents', { body: { ...(name && { name }), ...profile } });
      const { key, ...made } = reply.as(RegisteredAgent);
      return { id: made.id, name: made.name, address: made.address, key: key.secret, keyId: key.id };
    },
    send: (from, to, fields = {}) =>
      call('POST', '/v1/agents/me/messages', { key: from.key, body: { to, body: 'hello', ...fields } }),
    async metric(name) {
      const { text } = await call('GET', '/metrics', { key: null });
      const line = text.split('\n').find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
      return Number(line?.split(' ').at(-1) ?? Number.NaN);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function request(relay: RunningRelay, method: string, where: string, options: CallOptions): Promise<Reply> {
  const { key = relay.adminKey, body, headers = {}, socket = false, signal, agent } = options;
  const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const url = new URL(relay.httpUrl);
  return new Promise((resolve, reject) => {
    const sent = http.request(
      {
        ...(socket ? { socketPath: relay.socketPath ?? '' } : { host: url.hostname, port: url.port }),
        method,
        path: where,
        agent: agent ?? false,
        ...(signal && { signal }),
        headers: {
          ...(key !== null && { authorization: `Bearer ${key}` }),
          ...(raw !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(raw) }),
          ...headers,
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => resolve(toReply(answer.statusCode ?? 0, answer.headers, Buffer.concat(chunks))));
      },
    );
    sent.on('error', reject);
    sent.end(raw);
  });
}

function toReply(status: number, headers: IncomingHttpHeaders, bytes: Buffer): Reply {
  const text = bytes.toString();
  const isJson = /^application\/json/.test(headers['content-type'] ?? '') && text !== '';
  const json: unknown = isJson ? JSON.parse(text) : undefined;
  const { data } = ErrorAnswer.safeParse(json);
  return {
    status,
    headers,
    bytes,
    text,
    json,
    code: data?.error.code ?? '',
    details: data?.error.details,
    as: (schema) => {
      const read = schema.safeParse(json);
      if (read.success) return read.data;
      throw new Error(`${status} ${text}: ${z.prettifyError(read.error)}`);
    },
  };
}
