/** ask_human against a real relay: the question as an email, the answer over SMTP, and when it counts as read. */
import { createTransport } from 'nodemailer';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { McpSession } from '../../mcp-remote/mcp-session.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';
import { checked, type McpPair, mcpPair } from './mcp-pair.ts';

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

/** Says which request returned a person's answer, so that a test can call it off. */
class RememberingSession extends McpSession {
  readonly requests: (string | number)[] = [];

  override answerReturned(...given: Parameters<McpSession['answerReturned']>): void {
    this.requests.push(given[1].requestId);
    super.answerReturned(...given);
  }
}

async function agent(options: { owner?: string } = {}) {
  count += 1;
  const name = `agent-${count}`;
  const { client, key } = await relay.agent(name, { program: 'mcp', ...options });
  const session = new RememberingSession('mcp_test');
  const pair = await mcpPair(client, session);
  pairs.push(pair);
  return { name, client, key, pair, session, lastRequest: () => session.requests.at(-1) ?? '' };
}

test('ask_human: the answer by email is returned, and confirmed when the session goes on', async () => {
  const { a, result, answerId } = await answered('owner@human.test');
  expect(result.structured).toMatchObject({ answered: true, answer: { trust: 'known' } });
  expect(result.text).toContain('yes, ship it');
  // Returned is not delivered; but the end of the turn must not show it again.
  expect((await a.client.getMessage(answerId)).state).toBe('leased');
  expect((await a.client.lease({ session_id: 'host_session' })).items).toEqual([]);
  await a.pair.call('whoami');
  expect(await a.client.getMessage(answerId)).toMatchObject({ state: 'delivered', evidence: 'ack' });
  expect(checked(await a.pair.call('check_agent_messages'))).toMatchObject({ messages: [], holding: [] });
});

test('ask_human: an answer whose call was given up is not confirmed, and comes again', async () => {
  const { a, answerId } = await answered('impatient@human.test');
  await a.session.answerLost(a.lastRequest());
  expect((await a.client.getMessage(answerId)).state).toBe('available');
  await a.pair.call('whoami');
  expect((await a.client.getMessage(answerId)).state).toBe('available');
  expect(checked(await a.pair.call('check_agent_messages')).messages).toMatchObject([{ message_id: answerId }]);
});

test('ask_human: other mail stays where it is, and the answer with it until the session goes on', async () => {
  const { a, answerId, other } = await answered('busy@human.test', { otherMail: true });
  const states = async () => [
    (await a.client.getMessage(answerId)).state,
    (await a.client.getMessage(other ?? '')).state,
  ];
  expect(await states()).toEqual(['available', 'available']);
  await a.pair.call('whoami');
  expect(await states()).toEqual(['delivered', 'available']);
});

test('ask_human without an answer in time says how it will come, and it does', async () => {
  const owner = 'late@human.test';
  const a = await agent({ owner });
  const result = await a.pair.call('ask_human', { question: 'Later?', wait_seconds: 0.1 });
  expect(result.structured).toMatchObject({ answered: false, answer: null });
  expect(result.text).toContain(String(result.structured?.['thread_id']));
  const { items } = await relay.admin.listOutbox();
  const email = items.find(({ envelope }) => envelope.to === owner);
  await answerByEmail(email?.headers ?? {}, owner, 'now');
  const later = await a.pair.call('check_agent_messages', { wait_seconds: 10 });
  expect(later.text).toContain('now');
});

test('ask_human without an owner says what to set', async () => {
  const a = await agent();
  const { text, isError } = await a.pair.call('ask_human', { question: 'Anyone?' });
  expect(isError).toBe(true);
  expect(text).toMatch(/^no_owner: .*TURNPOST_OWNER/);
});

/** An agent that asked its owner and got the answer. */
async function answered(owner: string, { otherMail = false } = {}) {
  const a = await agent({ owner });
  const b = await agent();
  const asking = a.pair.call('ask_human', {
    question: 'Ship it?\nThe tests are green.',
    options: ['yes', 'no'],
    wait_seconds: 60,
  });
  const email = await vi.waitFor(async () => {
    const { items } = await relay.admin.listOutbox();
    const found = items.find(({ envelope }) => envelope.to === owner);
    if (found === undefined) throw new Error('not in the outbox yet');
    return found;
  });
  expect(email.text).toContain('1. yes');
  const other = otherMail ? (await a.client.as({ key: b.key }).sendMessage({ to: a.name, body: 'x' })).id : undefined;
  await answerByEmail(email.headers, owner, 'yes, ship it');
  const result = await asking;
  const answer = z.object({ answer: z.object({ message_id: z.string() }) }).parse(result.structured);
  return { a, result, answerId: answer.answer.message_id, other };
}

async function answerByEmail(headers: Readonly<Record<string, string>>, from: string, text: string): Promise<void> {
  const header = (name: string): string =>
    Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1] ?? '';
  const smtp = createTransport({
    host: '127.0.0.1',
    port: relay.smtpPort,
    secure: false,
    tls: { rejectUnauthorized: false },
  });
  await smtp.sendMail({
    from,
    to: header('reply-to') || header('from'),
    subject: `Re: ${header('subject')}`,
    inReplyTo: header('message-id'),
    text: `${text}\n\nOn Friday, the agent wrote:\n> Ship it?\n`,
  });
  smtp.close();
}
