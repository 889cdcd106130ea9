/** The official MCP client on one end, our server on the other, joined in memory. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { z } from 'zod';
import type { TurnpostClient } from '../../client/turnpost-client.ts';
import { McpSession } from '../../mcp-remote/mcp-session.ts';
import { ShownMessage } from '../../mcp-remote/message-output.ts';
import { createMcpServer } from '../../mcp-remote/server.ts';

export interface ToolOutcome {
  readonly text: string;
  readonly isError: boolean;
  readonly structured: Readonly<Record<string, unknown>> | undefined;
}

export interface McpPair {
  readonly client: Client;
  readonly bugs: readonly unknown[];
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<ToolOutcome>;
  close(): Promise<void>;
}

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onprogress?: (progress: {
    progress: number;
    total?: number | undefined;
    message?: string | undefined;
  }) => void;
  readonly meta?: Readonly<Record<string, unknown>>;
}

const Text = z.array(z.object({ type: z.literal('text'), text: z.string() }));
const Checked = z.object({ note: z.string(), messages: z.array(ShownMessage), holding: z.array(z.string()) });

export async function mcpPair(client: TurnpostClient, session = new McpSession('mcp_test')): Promise<McpPair> {
  const bugs: unknown[] = [];
  const server = createMcpServer({ client, session, version: '0.0.0', reportBug: (bug) => bugs.push(bug) });
  const [here, there] = InMemoryTransport.createLinkedPair();
  const peer = new Client({ name: 'test', version: '0' });
  await Promise.all([server.connect(there), peer.connect(here)]);
  return {
    client: peer,
    bugs,
    async call(name, args = {}, { meta, ...options } = {}) {
      const params = { name, arguments: args, ...(meta && { _meta: { ...meta } }) };
      const result = await peer.callTool(params, undefined, options);
      const text = Text.parse(result.content)
        .map((part) => part.text)
        .join('\n');
      const structured = z.record(z.string(), z.unknown()).optional().parse(result.structuredContent);
      return { text, isError: result.isError === true, structured };
    },
    close: () => peer.close(),
  };
}

/** What check_agent_messages showed. */
export const checked = ({ structured }: ToolOutcome): z.infer<typeof Checked> => Checked.parse(structured);
