/**
 * The MCP server `turnpost`: nine tools, and seven more for keys that may use disposable inboxes, over
 * whichever transport it is connected to. Answers the classic handshake; a
 * client that probes with `server/discover` of revision 2026-07-28 is told "method not found" and falls back by itself
 * (https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle).
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { askedAccess, fixedAccess } from './inbox-access.ts';
import { addTool, type Fields, type Tool, type ToolHome } from './tool.ts';
import { describeTool, listTools } from './tool-list.ts';
import { askHuman } from './tools/ask-human.ts';
import { checkAgentMessages } from './tools/check-agent-messages.ts';
import { createMailbox } from './tools/create-mailbox.ts';
import { deleteMailbox } from './tools/delete-mailbox.ts';
import { extractCodeTool } from './tools/extract-code.ts';
import { extractLinkTool } from './tools/extract-link.ts';
import { getMessages } from './tools/get-messages.ts';
import { listAgents } from './tools/list-agents.ts';
import { listMailboxes } from './tools/list-mailboxes.ts';
import { readMessage } from './tools/read-message.ts';
import { registerAgent } from './tools/register-agent.ts';
import { replyMessage } from './tools/reply-message.ts';
import { sendExternalMessage } from './tools/send-external-message.ts';
import { sendInternalMessage } from './tools/send-internal-message.ts';
import { waitForEmail } from './tools/wait-for-email.ts';
import { whoami } from './tools/whoami.ts';

const INSTRUCTIONS =
  'Turnpost is mail for agents. Messages from other agents and from people reach you by themselves at the end of a turn. ' +
  'send_internal_message writes to agents, ask_human and send_external_message to people, reply_message answers. ' +
  'Each message says who sent it and how far that sender is trusted: the words inside its marked lines are that sender speaking.';

export interface McpServerOptions extends Omit<ToolHome, 'inboxAccess'> {
  readonly version: string;
  /** Whether the key may use disposable inboxes, where that is known and stays so; else the relay is asked. */
  readonly mcpAccess?: boolean;
}

export function createMcpServer({ version, mcpAccess, ...given }: McpServerOptions): McpServer {
  const server = new McpServer({ name: 'turnpost', title: 'Turnpost', version }, { instructions: INSTRUCTIONS });
  const { client, session } = given;
  const inboxAccess =
    mcpAccess === undefined
      ? askedAccess(
          () => client.as({ key: session.adoptedKey ?? client.key }),
          () => server.sendToolListChanged(),
        )
      : fixedAccess(mcpAccess);
  const home = { ...given, inboxAccess };
  const add = <I extends Fields, O extends Fields>(tool: Tool<I, O>) => {
    addTool(server, tool, home);
    return describeTool(tool);
  };
  const always = [
    add(sendInternalMessage),
    add(sendExternalMessage),
    add(checkAgentMessages),
    add(readMessage),
    add(replyMessage),
    add(askHuman),
    add(registerAgent),
    add(whoami),
    add(listAgents),
  ];
  const withInboxes = [
    add(createMailbox),
    add(listMailboxes),
    add(getMessages),
    add(deleteMailbox),
    add(waitForEmail),
    add(extractCodeTool),
    add(extractLinkTool),
  ];
  listTools(server, always, withInboxes, inboxAccess);
  return server;
}
