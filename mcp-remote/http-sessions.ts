/**
 * The MCP sessions that came over HTTP, by agent and Mcp-Session-Id, so that no agent reaches into another's. An id that
 * is not known (the relay was restarted) makes a new session of that name. The least recently used is forgotten first:
 * it loses no mail, only the memory of what it was shown. A request that names no session is remembered by nothing: nobody
 * could ask for it again, and it must not push others out.
 */
import { randomBytes } from 'node:crypto';
import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { McpSession } from './mcp-session.ts';

const MOST_SESSIONS = 5_000;

export interface HttpSession {
  readonly memory: McpSession;
  /** Calls under way, by request id. */
  readonly running: Map<string | number, StreamableHTTPServerTransport>;
}

export class HttpSessions {
  readonly #sessions = new Map<string, HttpSession>();

  get(agentId: string, sessionId: string): HttpSession {
    const name = nameOf(agentId, sessionId);
    const session = this.#sessions.get(name) ?? { memory: new McpSession(sessionId), running: new Map() };
    // A Map remembers the order of insertion: the first is the least recently used.
    this.#sessions.delete(name);
    this.#sessions.set(name, session);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MOST_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
    return session;
  }

  /** For one request. An id given out here is remembered from the first request that names it. */
  unnamed(): HttpSession {
    return { memory: new McpSession(`mcp_${randomBytes(12).toString('hex')}`), running: new Map() };
  }

  delete(agentId: string, sessionId: string): void {
    this.#sessions.delete(nameOf(agentId, sessionId));
  }
}

const nameOf = (agentId: string, sessionId: string): string => `${agentId} ${sessionId}`;
