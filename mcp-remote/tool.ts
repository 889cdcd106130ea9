/**
 * What a tool is, for the files in tools/. A tool gets a client that speaks for the calling session and answers with
 * the same facts twice: Gemini CLI shows a model the text, Claude Code and Codex show it the structured content instead
 * (measured: 0.61.0, 2.1.328, 0.169.0). So whatever a model must see stands in both.
 */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { TurnpostClient } from '../client/turnpost-client.ts';
import { TurnpostError } from '../client/turnpost-error.ts';
import type { InboxAccess } from './inbox-access.ts';
import type { McpSession } from './mcp-session.ts';
import { failureResult, ToolRefusal } from './tool-result.ts';

export interface ToolCall {
  readonly client: TurnpostClient;
  readonly session: McpSession;
  /** The session the call belongs to. */
  readonly sessionId: string;
  readonly requestId: string | number;
  /** Aborts when the host calls the request off or goes away. */
  readonly signal: AbortSignal;
  /** From now on this server speaks with that key, if it had none; says whether it does. */
  adoptKey(secret: string): boolean;
  /** Tells a host that asked for it that the call is alive, so that it does not time out. */
  progress(elapsedSeconds: number, totalSeconds: number, message: string): Promise<void>;
}

export interface ToolAnswer<T> {
  readonly text: string;
  readonly structured: T;
}

export type Fields = Readonly<Record<string, z.ZodType>>;

export interface Tool<I extends Fields, O extends Fields> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodObject<I, z.core.$strict>;
  readonly output: z.ZodObject<O>;
  readonly annotations: Required<Omit<ToolAnnotations, 'title'>>;
  run(args: z.infer<z.ZodObject<I, z.core.$strict>>, call: ToolCall): Promise<ToolAnswer<z.infer<z.ZodObject<O>>>>;
}

/** Holds the types of input, output and `run` together. */
export function defineTool<I extends Fields, O extends Fields>(tool: Tool<I, O>): Tool<I, O> {
  return tool;
}

export interface ToolHome {
  readonly client: TurnpostClient;
  readonly session: McpSession;
  readonly inboxAccess: InboxAccess;
  /** Told of failures nobody foresaw; the model sees only `internal`. */
  readonly reportBug: (error: unknown) => void;
}

export function addTool<I extends Fields, O extends Fields>(server: McpServer, tool: Tool<I, O>, home: ToolHome): void {
  const { name, title, description, input, output, annotations } = tool;
  const config = { title, description, inputSchema: input, outputSchema: output, annotations };
  server.registerTool<z.ZodObject<O>, z.ZodObject<I, z.core.$strict>>(name, config, async (args, extra) => {
    const meta: Readonly<Record<string, unknown>> | undefined = extra._meta;
    const token = extra._meta?.progressToken;
    const call: ToolCall = {
      client: home.client.as({
        key: home.session.adoptedKey ?? home.client.key,
        sessionId: home.session.hostSession(meta),
      }),
      session: home.session,
      sessionId: home.session.sessionId(meta),
      requestId: extra.requestId,
      adoptKey: (secret) => {
        const adopted = home.session.adoptKey(home.client.key, secret);
        if (adopted) home.inboxAccess.recheck().catch(home.reportBug);
        return adopted;
      },
      signal: extra.signal,
      progress: async (progress, total, message) => {
        if (token === undefined || extra.signal.aborted) return;
        const params = { progressToken: token, progress, total, message };
        await extra.sendNotification({ method: 'notifications/progress', params });
      },
    };
    try {
      await confirmReturned(call);
      const { text, structured } = await tool.run(args, call);
      return { content: [{ type: 'text', text }], structuredContent: structured };
    } catch (error) {
      if (!(error instanceof TurnpostError || error instanceof ToolRefusal)) home.reportBug(error);
      return failureResult(error);
    }
  });
}

/** The session goes on, so it has what ask_human returned before. What the relay does not take now is tried again. */
async function confirmReturned({ client, session, sessionId }: ToolCall): Promise<void> {
  for (const id of session.returnedAnswers(sessionId)) {
    try {
      await client.ackMessage(id);
    } catch (error) {
      if (!(error instanceof TurnpostError)) throw error;
      if (error.status === 0 || error.status >= 500) return;
    }
    session.answerConfirmed(sessionId, id);
  }
}
