/** Each tool but ask_human, called by the official MCP client, against a real relay. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';
import { checked, type McpPair, mcpPair, type ToolOutcome } from './mcp-pair.ts';

let relay: RelayInProcess;
const pairs: McpPair[] = [];
let count = 0;

beforeAll(async () => {
  relay = await relayInProcess();
});
afterAll(() => relay.close());
afterEach(async () => {
  const bugs = pairs.flatMap((pair) => [...pair.bugs]);
  for (const pair of pairs.splice(0)) await pair.close();
  expect(bugs).toEqual([]);
});

async function agent(options: { owner?: string } = {}) {
  count += 1;
  const name = `agent-${count}`;
  const { client, key } = await relay.agent(name, { program: 'mcp', ...options });
  const pair = await mcpPair(client);
  pairs.push(pair);
  return { name, client, key, pair };
}

const idIn = (structured: Readonly<Record<string, unknown>> | undefined): string => String(structured?.['message_id']);

test('the tools and what they say of themselves', async () => {
  const { pair } = await agent();
  const { tools } = await pair.client.listTools();
  const rows = tools.map(({ name, annotations, inputSchema }) => ({
    name,
    arguments: Object.keys(inputSchema.properties ?? {}),
    readOnly: annotations?.readOnlyHint,
    open: annotations?.openWorldHint,
  }));
  expect(rows).toEqual([
    {
      name: 'send_internal_message',
      arguments: ['to', 'body', 'subject', 'type', 'priority', 'in_reply_to', 'requires_response', 'expires_in'],
      readOnly: false,
      open: false,
    },
    {
      name: 'send_external_message',
      arguments: ['to', 'subject', 'body', 'cc', 'in_reply_to', 'expects_reply', 'attachments'],
      readOnly: false,
      open: true,
    },
    { name: 'check_agent_messages', arguments: ['limit', 'wait_seconds'], readOnly: false, open: false },
    { name: 'read_message', arguments: ['message_id', 'offset'], readOnly: false, open: false },
    { name: 'reply_message', arguments: ['message_id', 'body'], readOnly: false, open: true },
    { name: 'ask_human', arguments: ['question', 'options', 'to', 'wait_seconds'], readOnly: false, open: true },
    {
      name: 'register_agent',
      arguments: ['code', 'name', 'description', 'capabilities', 'program', 'model'],
      readOnly: false,
      open: false,
    },
    { name: 'whoami', arguments: [], readOnly: true, open: false },
    { name: 'list_agents', arguments: ['query', 'capability'], readOnly: true, open: false },
  ]);
  expect(tools.every(({ outputSchema, description }) => outputSchema && description)).toBe(true);
});

test('a message goes from tool to tool, and asking again confirms it', async () => {
  const a = await agent();
  const b = await agent();
  const sent = await a.pair.call('send_internal_message', { to: b.name, body: 'The build is red.', subject: 'Build' });
  expect(sent).toMatchObject({ isError: false });
  const first = await b.pair.call('check_agent_messages');
  expect(checked(first).messages).toHaveLength(1);
  expect(first.text).toContain('The build is red.');
  expect(checked(first).messages[0]?.text).toContain('The build is red.');
  const id = idIn(sent.structured);
  expect((await b.client.getMessage(id)).state).toBe('leased');
  const again = await b.pair.call('check_agent_messages');
  expect(checked(again)).toMatchObject({ note: 'No new messages.', messages: [], holding: [] });
  expect(await b.client.getMessage(id)).toMatchObject({ state: 'delivered', evidence: 'asked_again' });
});

test('a first check confirms nothing, and names what the session already holds', async () => {
  const a = await agent();
  const b = await agent();
  const { structured } = await a.pair.call('send_internal_message', { to: b.name, body: 'x' });
  const id = idIn(structured);
  await b.client.lease({ session_id: 'mcp_test' });
  const result = await b.pair.call('check_agent_messages');
  expect(checked(result)).toMatchObject({ messages: [], holding: [id] });
  expect((await b.client.getMessage(id)).state).toBe('leased');
});

test('a check that is called off takes nothing with it', async () => {
  const a = await agent();
  const b = await agent();
  const stop = new AbortController();
  const waiting = b.pair.call('check_agent_messages', { wait_seconds: 300 }, { signal: stop.signal });
  stop.abort();
  await expect(waiting).rejects.toThrow();
  const sent = await a.pair.call('send_internal_message', { to: b.name, body: 'still there' });
  const result = await b.pair.call('check_agent_messages');
  expect(checked(result).messages.map(({ message_id }) => message_id)).toEqual([idIn(sent.structured)]);
});

test('what an answer held that never arrived is shown again and not confirmed', async () => {
  const a = await agent();
  const b = await agent();
  const { proxy, port, cutNext } = await cuttingProxy(relay.httpUrl);
  const lossy = new TurnpostClient({ relay: { url: `http://127.0.0.1:${port}` }, key: b.key, program: 'mcp' });
  const pair = await mcpPair(lossy);
  pairs.push(pair);
  await pair.call('check_agent_messages'); // so that the next one would confirm
  const id = idIn((await a.pair.call('send_internal_message', { to: b.name, body: 'do not lose me' })).structured);
  cutNext();
  const lost = await pair.call('check_agent_messages');
  expect(lost).toMatchObject({ isError: true });
  expect(lost.text).toContain('unreachable');
  expect((await b.client.getMessage(id)).state).toBe('leased');
  const again = await pair.call('check_agent_messages');
  expect(checked(again).messages).toMatchObject([{ message_id: id }]);
  expect(again.text).toContain('do not lose me');
  expect((await b.client.getMessage(id)).state).toBe('leased');
  await pair.call('check_agent_messages');
  expect((await b.client.getMessage(id)).state).toBe('delivered');
  lossy.close();
  proxy.close();
});

test('a waiting check is woken by a message', async () => {
  const a = await agent();
  const b = await agent();
  const waiting = b.pair.call('check_agent_messages', { wait_seconds: 60 });
  await a.pair.call('send_internal_message', { to: b.name, body: 'wake up' });
  expect(checked(await waiting).messages).toHaveLength(1);
});

/** What a host may cut: Codex shows a model no more than 10,000 bytes of a result, and takes the middle out. */
function expectWhole({ text, structured }: ToolOutcome): void {
  expect(Buffer.byteLength(text)).toBeLessThan(10_000);
  expect(Buffer.byteLength(JSON.stringify(structured))).toBeLessThan(10_000);
}

test('long messages share what hosts show, in bytes, each with a way to read on', async () => {
  const a = await agent();
  const b = await agent();
  for (let number = 0; number < 4; number += 1) {
    await a.client.sendMessage({ to: b.name, body: `${number} ${'\u4f60\u597d"\n'.repeat(1500)}`, data: { number } });
  }
  const result = await b.pair.call('check_agent_messages');
  expectWhole(result);
  expect(result.text.match(/The rest: read_message with message_id msg_\w+ and offset \d+/g)).toHaveLength(4);
  expect(Buffer.byteLength(JSON.stringify(result.structured))).toBeGreaterThan(8_500);
});

test('what does not fit is named, is not confirmed by asking again, and comes next', async () => {
  const a = await agent();
  const b = await agent();
  const ids: string[] = [];
  for (let number = 0; number < 18; number += 1) {
    const subject = '\u4f60'.repeat(200);
    ids.push((await a.client.sendMessage({ to: b.name, subject, body: `${number} ${'long '.repeat(500)}` })).id);
  }
  const first = await b.pair.call('check_agent_messages', { limit: 100 });
  expectWhole(first);
  const shown = checked(first).messages.map(({ message_id }) => message_id);
  const unseen = ids.filter((id) => !shown.includes(id));
  expect(shown.length).toBeGreaterThan(2);
  expect(unseen.length).toBeGreaterThan(8);
  expect(checked(first).holding).toEqual(unseen);
  for (const id of unseen) expect(checked(first).note).toContain(id);
  expect(checked(first).note).toContain('read_message shows');

  const [read = ''] = unseen;
  await b.pair.call('read_message', { message_id: read });
  const second = await b.pair.call('check_agent_messages', { wait_seconds: 60 });
  expectWhole(second);
  const next = checked(second).messages.map(({ message_id }) => message_id);
  expect(next).toEqual(unseen.slice(1, 1 + next.length));
  for (const id of ids) {
    const isSeen = shown.includes(id) || id === read;
    expect((await b.client.getMessage(id)).state).toBe(isSeen ? 'delivered' : 'leased');
  }
  const all = [...shown, read, ...next];
  for (let calls = 0; calls < 10 && all.length < ids.length; calls += 1) {
    const more = await b.pair.call('check_agent_messages');
    expectWhole(more);
    all.push(...checked(more).messages.map(({ message_id }) => message_id));
  }
  expect(all).toEqual(ids);
  await b.pair.call('check_agent_messages');
  for (const id of ids) expect((await b.client.getMessage(id)).state).toBe('delivered');
});

test('what this session was handed by another way is not confirmed by asking again', async () => {
  const a = await agent();
  const b = await agent();
  const { id } = await a.client.sendMessage({ to: b.name, body: 'x' });
  // As by a server that was started anew in the same session.
  await b.client.as({ program: 'mcp' }).lease({ session_id: 'mcp_test' });
  for (let calls = 0; calls < 3; calls += 1) {
    expect(checked(await b.pair.call('check_agent_messages'))).toMatchObject({ messages: [], holding: [id] });
  }
  expect((await b.client.getMessage(id)).state).toBe('leased');
});

test('read_message shows all, page by page, and confirms', async () => {
  const a = await agent();
  const b = await agent();
  const body = `${'\u4f60\u597d "quoted"\n'.repeat(1500)}THE END`;
  const { id } = await a.client.sendMessage({ to: b.name, body, data: { long: 'z'.repeat(20_000), last: 'DATA END' } });
  let [offset, read, pages] = [0, '', 0];
  for (; pages < 20; pages += 1) {
    const page = await b.pair.call('read_message', { message_id: id, offset });
    expect(page.structured).toMatchObject({ state: 'delivered' });
    expectWhole(page);
    read += /--- \w+ begin ---\n([\s\S]*)\n--- \w+ end ---/.exec(page.text)?.[1] ?? '';
    const next = /offset (\d+)$/.exec(page.text)?.[1];
    if (next === undefined) break;
    offset = Number(next);
  }
  expect(pages).toBeGreaterThan(3);
  expect(read.replaceAll('\n', '')).toContain(body.replaceAll('\n', ''));
  expect(read).toContain('"last":"DATA END"}');
  expect((await b.client.getMessage(id)).evidence).toBe('ack');
});

test('reading what one sent oneself confirms nothing', async () => {
  const a = await agent();
  const b = await agent();
  const { id } = await a.client.sendMessage({ to: b.name, body: 'x' });
  expect((await a.pair.call('read_message', { message_id: id })).structured).toMatchObject({ state: 'sent' });
  expect((await b.client.getMessage(id)).state).toBe('available');
});

test('reply_message answers in the thread and confirms what it answers', async () => {
  const a = await agent();
  const b = await agent();
  const { id, thread_id } = await a.client.sendMessage({ to: b.name, body: 'ping?', requires_response: true });
  const answer = await b.pair.call('reply_message', { message_id: id, body: 'pong' });
  expect(answer.structured).toMatchObject({ thread_id });
  expect(await b.client.getMessage(id)).toMatchObject({ state: 'delivered', evidence: 'reply' });
  expect(checked(await a.pair.call('check_agent_messages')).messages[0]?.text).toContain('pong');
});

test('the tool for agents refuses email addresses, the tool for email refuses names; nothing is sent', async () => {
  const a = await agent();
  const internal = await a.pair.call('send_internal_message', { to: 'person@example.com', body: 'x' });
  expect(internal.isError).toBe(true);
  expect(internal.text).toContain('Use send_external_message');
  const external = await a.pair.call('send_external_message', { to: 'agent-1', subject: 's', body: 'x' });
  expect(external.isError).toBe(true);
  expect(external.text).toContain('Use send_internal_message');
  expect((await a.client.listMessages({ direction: 'all' })).items).toEqual([]);
});

test('an unknown recipient: the code, and what to do next', async () => {
  const a = await agent();
  const { text, isError } = await a.pair.call('send_internal_message', { to: 'nobody', body: 'x' });
  expect(isError).toBe(true);
  expect(text).toMatch(/^recipient_unknown: /);
  expect(text).toContain('Next: list_agents shows who there is.');
});

test('an argument that does not exist is refused by name', async () => {
  const a = await agent();
  const { text, isError } = await a.pair.call('check_agent_messages', { wait: 3 });
  expect(isError).toBe(true);
  expect(text).toContain('wait');
});

test('register_agent with a code makes an agent, whose key works at once and is not shown again', async () => {
  const { code } = await relay.admin.createEnrolment();
  const keyless = new TurnpostClient({ relay: { url: relay.httpUrl }, program: 'mcp' });
  const pair = await mcpPair(keyless);
  pairs.push(pair);
  expect((await pair.call('whoami')).text).toMatch(/^unauthorized: /);
  const made = await pair.call('register_agent', { code, name: 'newcomer' });
  expect(made.structured).toMatchObject({ agent: { name: 'newcomer' }, key: expect.stringMatching(/^tp_agent_/) });
  expect((await pair.call('whoami')).structured).toMatchObject({ agent: { name: 'newcomer' } });
  expect((await pair.call('register_agent', { code })).isError).toBe(true);
  keyless.close();
});

test('register_agent without a code changes the own profile, which others find', async () => {
  const a = await agent();
  const b = await agent();
  const changed = await a.pair.call('register_agent', { description: 'Builds\nthings', capabilities: ['masonry'] });
  expect(changed.structured).toMatchObject({ agent: { capabilities: ['masonry'] }, key: null });
  const found = await b.pair.call('list_agents', { capability: 'masonry' });
  expect(found.structured).toMatchObject({ agents: [{ name: a.name, description: 'Builds things' }] });
  expect((await a.pair.call('register_agent', { name: 'other' })).text).toContain('A name cannot be changed');
  expect((await a.pair.call('register_agent')).text).toContain('Nothing to change');
});

test('whoami names agent, owner and session; Codex names its session in each call', async () => {
  const a = await agent({ owner: 'you@example.com' });
  const meta = { 'x-codex-turn-metadata': { session_id: 'codex-1' } };
  const own = await a.pair.call('whoami');
  expect(own.structured).toMatchObject({ owner: 'you@example.com', session_id: 'mcp_test', agent: { name: a.name } });
  expect((await a.pair.call('whoami', {}, { meta })).structured).toMatchObject({ session_id: 'codex-1' });
});

test('a revoked key is dead in the next call', async () => {
  const a = await agent();
  await a.pair.call('whoami');
  const extra = await relay.admin.issueKey(a.name);
  const pair = await mcpPair(a.client.as({ key: extra.secret }));
  pairs.push(pair);
  expect((await pair.call('whoami')).isError).toBe(false);
  await relay.admin.revokeKey(a.name, extra.id);
  const { text, isError } = await pair.call('check_agent_messages');
  expect(isError).toBe(true);
  expect(text).toMatch(/^unauthorized: [\s\S]*turnpost keys create/);
});

/** Passes everything on, but drops the connection instead of the next answer, after the relay has given it. */
async function cuttingProxy(url: string) {
  const { hostname, port: target } = new URL(url);
  let cut = false;
  const proxy = createServer((socket) => {
    const upstream = connect({ host: hostname, port: Number(target) });
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (cut) {
        cut = false;
        socket.destroy();
      } else socket.write(chunk);
    });
    upstream.on('close', () => socket.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo; // it listens on TCP
  return {
    proxy,
    port,
    cutNext: () => {
      cut = true;
    },
  };
}
