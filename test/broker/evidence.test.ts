/** What counts as evidence, from whom, and when: nothing is delivered because it was printed. */
import { describe, expect, test } from 'vitest';
import { SessionTurns } from '../../relay/broker/session-turns.ts';
import { openBroker } from '../support/broker-fixture.ts';
import { HostSession } from '../support/host-session.ts';

async function openPair(options: ConstructorParameters<typeof HostSession>[2] = {}) {
  const broker = await openBroker();
  const [writer, reader] = [await broker.agent('writer'), await broker.agent('reader')];
  return { broker, writer, reader, session: new HostSession(broker, reader, options) };
}

describe('late evidence', () => {
  test('after a release it confirms, and the message does not come again', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    const { ids } = await session.stop();
    await session.prompt();
    expect(await broker.stateOf(sent)).toBe('available');
    expect((await session.stop({ seen: ids })).raw).toBe('');
    expect(await broker.stateOf(sent)).toBe('delivered');
  });

  test('it confirms also while another session holds the next attempt', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    const { ids } = await session.stop();
    await session.end();
    const other = new HostSession(broker, reader, { id: 'session-2' });
    expect((await other.stop()).ids).toEqual(ids);
    await session.start({ seen: ids });
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'delivered', attempt: 2 });
    await other.prompt();
    expect((await other.stop()).raw).toBe('');
  });

  test('an id that was never handed out confirms nothing, nor does one of another agent', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    const thief = new HostSession(broker, writer, { id: 'session-2' });
    await session.prompt({ seen: [sent.message.id] });
    expect(await broker.stateOf(sent)).toBe('available');
    await session.stop();
    await thief.stop({ seen: [sent.message.id] });
    expect(await broker.stateOf(sent)).toBe('leased');
  });
});

describe('continuation', () => {
  test('an http hook: the next end of turn in the same prompt confirms what was written out whole', async () => {
    const { broker, writer, reader, session } = await openPair({ http: true });
    const sent = await broker.send(writer, reader);
    (await session.stop()).written();
    await session.goOn();
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'delivered', evidence: 'continuation' });
  });

  test('an answer that was not written out whole is no evidence', async () => {
    const { broker, writer, reader, session } = await openPair({ http: true });
    const sent = await broker.send(writer, reader);
    await session.stop();
    await session.goOn();
    expect(await broker.stateOf(sent)).toBe('leased');
    await session.prompt();
    expect((await session.stop()).ids).toEqual([sent.message.id]);
  });

  test('a whole answer after a broken one in the same prompt does not confirm the broken one', async () => {
    const { broker, writer, reader, session } = await openPair({ http: true });
    const broken = await broker.send(writer, reader);
    await session.stop();
    const whole = await broker.send(writer, reader);
    (await session.goOn()).written();
    await session.goOn();
    expect(await broker.stateOf(whole)).toBe('delivered');
    expect(await broker.stateOf(broken)).toBe('leased');
    await session.prompt();
    expect((await session.stop()).ids).toEqual([broken.message.id]);
  });

  test('the end of a turn that did not go on is no evidence', async () => {
    const { broker, writer, reader, session } = await openPair({ http: true });
    const sent = await broker.send(writer, reader);
    (await session.stop()).written();
    await session.stop();
    expect(await broker.stateOf(sent)).toBe('leased');
  });

  test('another prompt is no evidence: it is given up and comes again', async () => {
    const { broker, writer, reader, session } = await openPair({ http: true });
    const sent = await broker.send(writer, reader);
    (await session.stop()).written();
    const next = await session.goOn({ promptId: 'prompt-9' });
    expect(next.ids).toEqual([sent.message.id]);
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'leased', attempt: 2 });
  });

  test('behind a command hook continuation alone is no evidence: the transcript line must be there', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    (await session.stop()).written();
    await session.goOn();
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'leased', attempt: 1 });
    await session.goOn({ seen: [sent.message.id] });
    expect(await broker.stateOf(sent)).toBe('delivered');
  });

  test('a relay that was started anew does not know what was written: no evidence', async () => {
    const { broker, writer, reader, session } = await openPair({ http: true });
    const sent = await broker.send(writer, reader);
    (await session.stop()).written();
    const anew = new HostSession({ turns: new SessionTurns(broker.deps) }, reader, { http: true });
    await anew.goOn();
    expect(await broker.stateOf(sent)).toBe('leased');
  });
});

describe('hosts without prompt ids (Gemini CLI)', () => {
  test('the BeforeAgent of its own continuation releases nothing', async () => {
    const { broker, writer, reader, session } = await openPair({ host: 'gemini' });
    const sent = await broker.send(writer, reader);
    const { text, ids } = await session.stop();
    await session.prompt({ input: { prompt: text } });
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'leased', attempt: 1 });
    expect((await session.goOn({ seen: ids })).raw).toBe('');
    expect(await broker.stateOf(sent)).toBe('delivered');
  });

  test("nor does a person's prompt; the next end of a turn does", async () => {
    const { broker, writer, reader, session } = await openPair({ host: 'gemini' });
    const sent = await broker.send(writer, reader);
    await session.stop();
    await session.prompt({ input: { prompt: 'go on' } });
    expect(await broker.stateOf(sent)).toBe('leased');
    expect((await session.stop()).ids).toEqual([sent.message.id]);
    expect((await broker.deliveryOf(sent)).attempt).toBe(2);
  });

  test('continuation without an id is no evidence even over http', async () => {
    const { broker, writer, reader, session } = await openPair({ host: 'gemini', http: true });
    const sent = await broker.send(writer, reader);
    (await session.stop()).written();
    await session.goOn();
    expect((await broker.deliveryOf(sent)).state).toBe('leased');
    expect((await broker.deliveryOf(sent)).evidence).toBeNull();
  });
});

describe('several sessions of one agent', () => {
  test('an answer goes first to the session that asked, while it lives', async () => {
    const { broker, writer, reader, session: asking } = await openPair({ id: 'asking' });
    const other = new HostSession(broker, reader, { id: 'other' });
    await asking.start();
    await other.start();
    const asked = await broker.send(reader, writer, { sessionId: 'asking' });
    const answer = await broker.send(writer, reader, { inReplyTo: asked.message.id });
    expect((await other.stop()).raw).toBe('');
    expect((await asking.stop()).ids).toEqual([answer.message.id]);
    await asking.end();
    expect((await other.stop()).ids).toEqual([answer.message.id]);
    expect(await broker.stateOf(asked)).toBe('delivered');
  });

  test('when the session that asked ends, who waits is woken for what it kept to itself', async () => {
    const { broker, writer, reader, session: asking } = await openPair({ id: 'asking' });
    await asking.start();
    const asked = await broker.send(reader, writer, { sessionId: 'asking' });
    await broker.send(writer, reader, { inReplyTo: asked.message.id });
    broker.woken.length = 0;
    await asking.end();
    expect(broker.woken).toEqual([reader.id]);
  });

  test('what is for nobody in particular goes to whichever asks first, once', async () => {
    const { broker, writer, reader, session } = await openPair();
    await broker.send(writer, reader);
    const other = new HostSession(broker, reader, { id: 'other' });
    expect((await other.stop()).ids).toHaveLength(1);
    expect((await session.stop()).ids).toEqual([]);
  });
});
