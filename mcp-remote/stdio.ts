/**
 * The MCP server over stdin and stdout, for a host on this machine (`turnpost mcp`). Nothing but the protocol is ever
 * written to stdout. When stdin ends, calls that are under way get a moment to finish, then all is closed.
 */
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
} from '@modelcontextprotocol/sdk/types.js';
import type { TurnpostClient } from '../client/turnpost-client.ts';
import { cancelledRequest } from './cancelled.ts';
import { McpSession } from './mcp-session.ts';
import { createMcpServer } from './server.ts';

export interface StdioOptions {
  readonly client: TurnpostClient;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly reportBug: (error: unknown) => void;
  /** Ends the server as the end of stdin does. */
  readonly signal?: AbortSignal;
}

/** For calls that are under way when stdin ends; a host kills what lingers. */
const LAST_ANSWERS_MS = 1_500;

/** Resolves when the host has closed stdin and all is closed. */
export async function serveStdio(options: StdioOptions): Promise<void> {
  const { client, version, env, stdin, stdout, reportBug, signal } = options;
  const session = new McpSession(`mcp_${randomBytes(12).toString('hex')}`, hostSessionId(env));
  const transport = new StdioServerTransport(stdin, stdout);
  const calls = watchCalls(transport, session, reportBug);
  const server = createMcpServer({ client, session, version, reportBug });
  const ended = new Promise<void>((resolve) => {
    stdin.once('end', resolve).once('close', resolve);
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.connect(transport);
  await ended;
  const timer = new AbortController();
  const moment = delay(LAST_ANSWERS_MS, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([calls.allAnswered(), moment]);
  timer.abort();
  await server.close();
}

/** Of the host that started this server: Claude Code 2.1.328 sets it; others name none, or name it in each call. */
export function hostSessionId(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env['CLAUDE_CODE_SESSION_ID'] || env['GEMINI_SESSION_ID'] || undefined;
}

/** Must run before the server takes the transport over: it keeps handlers it finds and calls them first. */
function watchCalls(transport: StdioServerTransport, session: McpSession, reportBug: (error: unknown) => void) {
  const open = new Set<string | number>();
  let whenAnswered: (() => void) | undefined;
  const answered = (id: string | number | undefined): void => {
    if (id === undefined || !open.delete(id) || open.size > 0) return;
    whenAnswered?.();
  };
  transport.onmessage = (message: JSONRPCMessage) => {
    if (isJSONRPCRequest(message)) open.add(message.id);
    const cancelled = cancelledRequest(message);
    if (cancelled === undefined) return;
    answered(cancelled);
    session.answerLost(cancelled).catch(reportBug);
  };
  const send = transport.send.bind(transport);
  transport.send = async (message) => {
    await send(message);
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) answered(message.id);
  };
  return {
    allAnswered: () =>
      new Promise<void>((resolve) => {
        whenAnswered = resolve;
        if (open.size === 0) resolve();
      }),
  };
}
