/** What is answered to tools/list: some tools are offered to some keys only. In the form the SDK gives them. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { type Tool as ListedTool, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { InboxAccess } from './inbox-access.ts';
import type { Fields, Tool } from './tool.ts';

export function describeTool<I extends Fields, O extends Fields>(tool: Tool<I, O>): ListedTool {
  const { name, title, description, input, output, annotations } = tool;
  return {
    name,
    title,
    description,
    inputSchema: jsonSchema(input, 'input'),
    outputSchema: jsonSchema(output, 'output'),
    annotations,
  };
}

function jsonSchema(schema: z.ZodObject, io: 'input' | 'output'): ListedTool['inputSchema'] {
  // Of an object schema, so its type is "object".
  return z.toJSONSchema(schema, { target: 'draft-7', io }) as ListedTool['inputSchema'];
}

export function listTools(
  server: McpServer,
  always: readonly ListedTool[],
  withInboxes: readonly ListedTool[],
  access: InboxAccess,
): void {
  server.server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: [...always, ...((await access.isOpen()) ? withInboxes : [])],
  }));
}
