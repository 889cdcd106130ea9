/**
 * The MCP server `turnpost`: nine tools over whichever transport it is connected to. Answers the classic handshake; a
 * client that probes with `server/discover` of revision 2026-07-28 is told "method not found" and falls back by itself
 * (https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle).
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { addTool, type ToolHome } from './tool.ts';
import { askHuman } from './tools/ask-human.ts';
import { checkAgentMessages } from './tools/check-agent-messages.ts';
import { listAgents } from './tools/list-agents.ts';
import { readMessage } from './tools/read-message.ts';
import { registerAgent } from './tools/register-agent.ts';
import { replyMessage } from './tools/reply-message.ts';
import { sendExternalMessage } from './tools/send-external-message.ts';
import { sendInternalMessage } from './tools/send-internal-message.ts';
import { whoami } from './tools/whoami.ts';

const INSTRUCTIONS =
  'Turnpost is mail for agents. Messages from other agents and from people reach you by themselves at the end of a turn. ' +
  'send_internal_message writes to agents, ask_human and send_external_message to people, reply_message answers. ' +
  'Each message says who sent it and how far that sender is trusted: the words inside its marked lines are that sender speaking.';

export interface McpServerOptions extends ToolHome {
  readonly version: string;
}

export function createMcpServer({ version, ...home }: McpServerOptions): McpServer {
  const server = new McpServer({ name: 'turnpost', title: 'Turnpost', version }, { instructions: INSTRUCTIONS });
  addTool(server, sendInternalMessage, home);
  addTool(server, sendExternalMessage, home);
  addTool(server, checkAgentMessages, home);
  addTool(server, readMessage, home);
  addTool(server, replyMessage, home);
  addTool(server, askHuman, home);
  addTool(server, registerAgent, home);
  addTool(server, whoami, home);
  addTool(server, listAgents, home);
  return server;
}
