/**
 * The main job, end to end: the real relay, `turnpost install` into an empty project, the real client, a model that
 * answers from a script. An agent's message and a person's emailed answer reach the model exactly once and end as
 * `delivered`.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sendAnswer } from '../../cli/demo/demo-mail.ts';
import { applyPlan } from '../../cli/install/apply-plan.ts';
import { planInstall } from '../../cli/install/plan-install.ts';
import type { TurnpostClient } from '../../client/turnpost-client.ts';
import { PACKAGE_ROOT } from '../../relay/package-info.ts';
import { HOSTS, type HostName } from '../../relay/types.ts';
import { type ClientOptions, isInstalled, runClient } from '../clients/run-client.ts';
import type { ModelRequest, ToolCall } from '../support/model-server.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';

const OWNER = 'you@example.com';
const root = mkdtempSync(path.join(tmpdir(), 'turnpost-e2e-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** How often a text stands in what one request gave the model, whatever the host escaped. */
function times(request: ModelRequest | undefined, part: string): number {
  const text = request?.texts.join('\n') ?? '';
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').split(part).length - 1;
}

/** The name under which each client offers a tool of ours to its model. */
function toolOf(host: HostName, name: string, input: ToolCall['input'] = {}): ToolCall {
  if (host === 'codex') return { namespace: 'mcp__turnpost', name, input };
  return { name: `${host === 'claude' ? 'mcp__turnpost__' : 'mcp_turnpost_'}${name}`, input };
}

describe.each(HOSTS)('%s', (host) => {
  const skip = !isInstalled(host);
  let relay: RelayInProcess;
  let project: string;
  let worker: TurnpostClient;
  let peer: TurnpostClient;
  let key: string;

  beforeEach(async () => {
    relay = await relayInProcess({ TURNPOST_OWNER: OWNER });
    ({ client: worker, key } = await relay.agent('worker'));
    ({ client: peer } = await relay.agent('peer'));
    project = mkdtempSync(path.join(root, `${host}-`));
    install();
  });
  afterEach(() => relay.close());

  function install(): void {
    const request = { client: host, dir: project, agent: 'worker@turnpost.localhost' } as const;
    const from = { relay: { socket: relay.socketPath }, key, http: false, packageRoot: PACKAGE_ROOT };
    applyPlan(planInstall({ ...request, ...from }));
    // The install's notes say so: Gemini without a person leaves out tools that it would have to ask about.
    const settings = path.join(project, '.gemini/settings.json');
    const inGemini = (text: string) => text.replace('"turnpost": {', '"turnpost": { "trust": true,');
    if (host === 'gemini') writeFileSync(settings, inGemini(readFileSync(settings, 'utf8')));
    // Codex's first turn goes without a server that took more than a second to start, as it may on a busy machine.
    const config = path.join(project, '.codex/config.toml');
    const inCodex = (text: string) => text.replace('[mcp_servers.turnpost]', '[mcp_servers.turnpost]\nrequired = true');
    if (host === 'codex') writeFileSync(config, inCodex(readFileSync(config, 'utf8')));
  }

  const run = (options: Partial<ClientOptions> = {}) => {
    const args = host === 'claude' ? ['--allowedTools', 'mcp__turnpost'] : [];
    return runClient(host, { project, prompt: 'hello', args, ...options });
  };
  const send = (body: string) => peer.sendMessage({ to: 'worker', subject: 'Build', body });
  const stateOf = async (id: string) => (await peer.getMessage(id)).deliveries?.[0];

  test.skipIf(skip)('no mail: no extra model call', async () => {
    const { code, requests } = await run();
    expect([code, requests.length]).toEqual([0, 1]);
  });

  test.skipIf(skip)("an agent's message reaches the model exactly once and is delivered", async () => {
    const message = await send('The build <is> green & "ready".');
    const { requests } = await run();
    expect(requests.map((request) => times(request, `Turnpost message ${message.id}`))).toEqual([0, 1]);
    expect(times(requests[1], 'The build <is> green & "ready".')).toBe(1);
    expect(await stateOf(message.id)).toMatchObject({ state: 'delivered', attempt: 1 });
    expect((await worker.getMessage(message.id)).evidence).toBe('transcript');
  });

  test.skipIf(skip)("an owner's emailed answer reaches the model exactly once and is delivered", async () => {
    const question = await worker.sendMessage({
      to: OWNER,
      subject: 'Deploy?',
      body: 'May I deploy?',
      requires_response: true,
    });
    const { items } = await relay.admin.listOutbox();
    const email = items.find((item) => item.message_id === question.id);
    if (email === undefined) throw new Error('not in the outbox');
    await sendAnswer({ smtpHost: '127.0.0.1', smtpPort: relay.smtpPort }, email, {
      from: OWNER,
      words: 'Yes, tonight.',
    });
    const [answer] = (await worker.listMessages({ thread_id: question.thread_id })).items;
    const { requests } = await run();
    expect(requests.map((request) => times(request, `Turnpost message ${answer?.id}`))).toEqual([0, 1]);
    expect([times(requests[1], 'Yes, tonight.'), times(requests[1], 'May I deploy?')]).toEqual([1, 0]);
    expect(await worker.getMessage(answer?.id ?? '')).toMatchObject({
      state: 'delivered',
      trust: 'known',
      verified_by: 'token',
    });
  });

  test.skipIf(skip)('eight messages at once are one injection', async () => {
    const bodies = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `Report number ${n} of eight.`);
    const messages = await Promise.all(bodies.map(send));
    const { requests } = await run();
    expect(requests).toHaveLength(2);
    expect(messages.map(({ id }) => times(requests[1], `Turnpost message ${id}`))).toEqual(messages.map(() => 1));
    const states = await Promise.all(messages.map(({ id }) => stateOf(id)));
    expect(states.map((delivery) => delivery?.state)).toEqual(messages.map(() => 'delivered'));
  });

  test.skipIf(skip)('the model calls our tools over stdio', async () => {
    const message = await send('Please tell me who you are.');
    const script = [
      { text: 'looking', tools: [toolOf(host, 'check_agent_messages')] },
      { text: 'answering', tools: [toolOf(host, 'reply_message', { message_id: message.id, body: 'I am worker.' })] },
      'done',
    ];
    const { requests } = await run({ script });
    expect(times(requests[1], 'Please tell me who you are.')).toBe(1);
    expect(await stateOf(message.id)).toMatchObject({ state: 'delivered' });
    const [answer] = (await peer.listMessages({})).items;
    expect(answer).toMatchObject({ body: 'I am worker.', in_reply_to: message.id });
  });

  test.skipIf(skip)('the model calls our tools over streamable HTTP', async () => {
    const PORT = 8725;
    useHttpServer(project, host, `http://127.0.0.1:${PORT}/mcp`, key);
    const script = [{ text: 'who', tools: [toolOf(host, 'whoami')] }, 'done'];
    const { requests } = await run({ script, forwards: { [PORT]: relay.socketPath } });
    expect(times(requests[1], 'worker@turnpost.localhost')).toBeGreaterThan(0);
  });

  test.skipIf(skip)(
    'relay stopped before the turn ends: the turn ends normally, the message is there afterwards',
    async () => {
      const message = await send('Are you there?');
      await relay.close();
      const { code, requests } = await run();
      expect([code, requests.length]).toEqual([0, 1]);
      expect(message.deliveries?.[0]?.state).toBe('available');
    },
  );

  test.skipIf(skip)('the hook killed before its print: the message comes again with the same id', async () => {
    const message = await send('Do not lose me.');
    killHookOnce(project, host, 'before');
    const first = await run();
    expect(first.requests.map((request) => times(request, message.id))).toEqual([0]);
    const second = await run();
    expect(second.requests.map((request) => times(request, `Turnpost message ${message.id}`))).toEqual([0, 1]);
    expect(await stateOf(message.id)).toMatchObject({ state: 'delivered', attempt: 2 });
  });

  test.skipIf(skip)('the hook killed after its print: the message is confirmed', async () => {
    const message = await send('Do not double me.');
    killHookOnce(project, host, 'after');
    const { requests } = await run();
    const shown = requests.map((request) => times(request, `Turnpost message ${message.id}`));
    // A host may take what a killed hook printed, or not: then it comes again, once.
    if (shown.length === 1) expect((await run()).requests.map((request) => times(request, message.id))).toEqual([0, 1]);
    else expect(shown).toEqual([0, 1]);
    expect(await stateOf(message.id)).toMatchObject({ state: 'delivered' });
  });
});

/** Replaces the installed stdio server by the relay's own address. */
function useHttpServer(project: string, host: HostName, url: string, key: string): void {
  const headers = { Authorization: `Bearer ${key}` };
  if (host === 'claude') {
    writeFileSync(
      path.join(project, '.mcp.json'),
      JSON.stringify({ mcpServers: { turnpost: { type: 'http', url, headers } } }),
    );
  } else if (host === 'gemini') {
    const file = path.join(project, '.gemini/settings.json');
    const settings = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(
      file,
      JSON.stringify({ ...settings, mcpServers: { turnpost: { httpUrl: url, headers, trust: true } } }),
    );
  } else {
    const table = `[mcp_servers.turnpost]\nurl = "${url}"\nhttp_headers = { Authorization = "Bearer ${key}" }\n`;
    writeFileSync(path.join(project, '.codex/config.toml'), table);
  }
}

/** The installed end-of-turn hook, the first time it is run, dies by SIGKILL before or after it wrote its answer. */
function killHookOnce(project: string, host: HostName, when: 'before' | 'after'): void {
  const folder = path.join(project, `.${host}/hooks/turnpost`);
  const hook = path.join(folder, 'end-of-turn.mjs');
  const real = path.join(folder, 'real-end-of-turn.mjs');
  writeFileSync(real, readFileSync(hook));
  const marker = JSON.stringify(path.join(folder, 'killed'));
  const runReal = `spawnSync(process.execPath, [${JSON.stringify(real)}, ...process.argv.slice(2)], { input: readFileSync(0) })`;
  writeFileSync(
    hook,
    `import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
const { stdout } = ${runReal};
const first = !existsSync(${marker});
if (first) writeFileSync(${marker}, '');
if (!first || '${when}' === 'after') writeSync(1, stdout);
if (first) process.kill(process.pid, 'SIGKILL');
`,
  );
  mkdirSync(folder, { recursive: true });
}
