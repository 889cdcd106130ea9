/**
 * Our MCP tools, called by the models of real clients: over stdio as `turnpost install` sets it up, and over HTTP at
 * /mcp of a real relay. What the tool says must reach the model once, whichever part of the result a client shows it.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { markerLine } from '../../relay/hosts/marker.ts';
import { HOSTS, type HostName } from '../../relay/types.ts';
import { runCli } from '../cli/run-cli.ts';
import type { ToolCall } from '../support/model-server.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';
import { type ClientRun, isInstalled, runClient } from './run-client.ts';

const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'turnpost-mcp-clients-')));
let relay: RelayInProcess;
beforeAll(async () => {
  relay = await relayInProcess();
});
afterAll(async () => {
  await relay.close();
  rmSync(root, { recursive: true, force: true });
});

/** As each client names a tool of an MCP server. */
const TOOL: Record<HostName, (name: string, input?: Record<string, unknown>) => ToolCall> = {
  claude: (name, input = {}) => ({ name: `mcp__turnpost__${name}`, input }),
  gemini: (name, input = {}) => ({ name: `mcp_turnpost_${name}`, input }),
  codex: (name, input = {}) => ({ namespace: 'mcp__turnpost', name, input }),
};

/** Without a person to ask, a client refuses tools that it would have to ask about. */
const ALLOW: Record<HostName, readonly string[]> = {
  claude: ['--allowedTools', 'mcp__turnpost'],
  gemini: ['--yolo'],
  codex: [],
};

const HTTP_PORT = 8725;

/** Settings that name the server by URL, with the key in a header. */
function writeHttpSettings(host: HostName, project: string, key: string): readonly string[] {
  const url = `http://127.0.0.1:${HTTP_PORT}/mcp`;
  const headers = { Authorization: `Bearer ${key}` };
  const files: Record<HostName, readonly [string, string]> = {
    claude: ['mcp.json', JSON.stringify({ mcpServers: { turnpost: { type: 'http', url, headers } } })],
    gemini: ['.gemini/settings.json', JSON.stringify({ mcpServers: { turnpost: { httpUrl: url, headers } } })],
    codex: ['.codex/config.toml', `[mcp_servers.turnpost]\nurl = "${url}"\nbearer_token_env_var = "TURNPOST_KEY"\n`],
  };
  const [name, text] = files[host];
  const file = path.join(project, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return host === 'claude' ? ['--mcp-config', file] : [];
}

/** Codex 0.169.0 goes on without a server that is not there after a second, as may happen on a busy machine. */
function waitForServer(config: string): void {
  const text = readFileSync(config, 'utf8');
  const waiting = text.replace('[mcp_servers.turnpost]', '[mcp_servers.turnpost]\nrequired = true');
  expect(waiting).not.toBe(text);
  writeFileSync(config, waiting);
}

describe.each(HOSTS)('%s', (host) => {
  const skip = !isInstalled(host);
  const call = TOOL[host];

  /** The model looks for mail and answers it; what it was given must be the message, once, and the answer arrive. */
  async function mailAndAnswer(
    name: string,
    run: (script: Parameters<typeof runClient>[1]['script']) => Promise<ClientRun>,
  ) {
    const { client: sender } = await relay.agent(`${name}-sender`);
    const { id } = await sender.sendMessage({ to: name, subject: 'Build', body: `Is build ${host} green?` });
    const { requests, stderr } = await run([
      { text: 'looking', tools: [call('check_agent_messages')] },
      { text: 'answering', tools: [call('reply_message', { message_id: id, body: 'It is green.' })] },
      'done',
    ]);
    const given = requests[1]?.texts.join('\n') ?? '';
    expect(given.split(markerLine(id)), stderr).toHaveLength(2);
    expect(given.split(`Is build ${host} green?`)).toHaveLength(2);
    expect(given).toMatch(/trust peer/);
    expect(requests.at(-1)?.texts.join('\n')).toContain(`${id} is confirmed.`);
    const { items } = await sender.listMessages();
    expect(items).toMatchObject([{ body: 'It is green.', in_reply_to: id }]);
    const { messages } = await sender.getThread(items[0]?.thread_id ?? '');
    expect(messages.find((message) => message.id === id)?.deliveries).toMatchObject([
      { state: 'delivered', attempt: 1 },
    ]);
  }

  test.skipIf(skip)('over stdio, as installed', async () => {
    const project = path.join(root, `${host}-stdio`);
    mkdirSync(project);
    const env = { TURNPOST_DATA_DIR: relay.dataDir };
    const installed = await runCli(['--json', 'install', host, '--dir', project], { env });
    expect(installed.stderr).toBe('');
    if (host === 'codex') waitForServer(path.join(project, '.codex/config.toml'));
    await mailAndAnswer(`${host}-stdio`, (script = []) =>
      runClient(host, { project, script, prompt: 'hi', args: ALLOW[host] }),
    );
  });

  test.skipIf(skip)('over HTTP', async () => {
    const project = path.join(root, `${host}-http`);
    mkdirSync(project);
    const { key } = await relay.agent(`${host}-http`);
    const args = [...ALLOW[host], ...writeHttpSettings(host, project, key)];
    const forwards = { [HTTP_PORT]: relay.socketPath };
    const env = { TURNPOST_KEY: key };
    await mailAndAnswer(`${host}-http`, (script = []) =>
      runClient(host, { project, script, prompt: 'hi', args, forwards, env }),
    );
  });
});
