/** Walks of one message through a session, with everything that can go wrong between the hook's print and the model. */
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { endAgent } from '../../relay/broker/agents.ts';
import { acknowledge, noteToolCall } from '../../relay/broker/claims.ts';
import { keepHouseOnce } from '../../relay/broker/housekeeping.ts';
import { authenticate, revokeKey } from '../../relay/broker/keys.ts';
import { openBroker } from '../support/broker-fixture.ts';
import { HostSession } from '../support/host-session.ts';
import { MINUTE } from '../support/manual-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function openPair() {
  const broker = await openBroker();
  const [writer, reader] = [await broker.agent('writer'), await broker.agent('reader')];
  const session = new HostSession(broker, reader);
  return { broker, writer, reader, session };
}

test('a message is injected at the end of a turn, is delivered when the transcript shows it, and never comes again', async () => {
  const { broker, writer, reader, session } = await openPair();
  await session.prompt();
  expect((await session.stop()).raw).toBe('');
  const sent = await broker.send(writer, reader);
  const injected = await session.stop();
  expect(injected.ids).toEqual([sent.message.id]);
  expect(await broker.stateOf(sent)).toBe('leased');
  expect((await session.goOn({ seen: injected.ids })).raw).toBe('');
  expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'delivered', evidence: 'transcript', attempt: 1 });
  await session.prompt();
  expect((await session.stop()).raw).toBe('');
});

test('an agent without mail costs no write', async () => {
  const { broker, session } = await openPair();
  await session.stop();
  const turn = vi.spyOn(broker.deps.stores.deliveries, 'turn');
  await session.prompt();
  await session.stop();
  expect(turn).not.toHaveBeenCalled();
});

test('a subagent neither gets mail nor ends a turn', async () => {
  const { broker, writer, reader, session } = await openPair();
  const sent = await broker.send(writer, reader);
  expect((await session.stop({ input: { agent_id: 'sub-1' } })).raw).toBe('');
  expect(await broker.stateOf(sent)).toBe('available');
});

describe('Esc during the injected turn', () => {
  test('the next prompt carries the text: it is delivered', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    const { ids } = await session.stop();
    await session.prompt({ seen: ids });
    expect(await broker.stateOf(sent)).toBe('delivered');
  });

  test('the text is nowhere: it is given up at the next prompt and comes again, same id, next attempt, and says so', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    await session.stop();
    await session.prompt();
    expect(await broker.stateOf(sent)).toBe('available');
    const again = await session.stop();
    expect(again.ids).toEqual([sent.message.id]);
    expect(again.text).toContain('handed out before (attempt 2)');
    expect((await broker.deliveryOf(sent)).attempt).toBe(2);
  });
});

describe('the relay or the hook dies', () => {
  test('relay restarted between lease and print: the lease is still there, and the message comes again', async () => {
    const file = path.join(temporaryFolder(), 'turnpost.db');
    const before = await openBroker({ file });
    const [writer, reader] = [await before.agent('writer'), await before.agent('reader')];
    const sent = await before.send(writer, reader);
    const session = new HostSession(before, reader);
    await session.prompt();
    await session.stop();
    await before.deps.stores.close();

    const after = await openBroker({ file, clock: before.clock });
    const same = new HostSession(after, reader);
    await same.prompt();
    expect((await same.goOn()).ids).toEqual([]);
    expect(await after.stateOf(sent)).toBe('leased');
    await same.prompt();
    expect((await same.stop()).ids).toEqual([sent.message.id]);
  });

  test('in the same prompt nothing is given up; when the lease ends the message comes again', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    await session.stop();
    broker.clock.advance(10 * MINUTE);
    await keepHouseOnce(broker.deps);
    expect(broker.woken).toContain(reader.id);
    expect((await session.stop()).ids).toEqual([sent.message.id]);
  });

  test('hook killed after its print: the transcript of the next call confirms', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    const { ids } = await session.stop();
    await session.goOn({ seen: ids });
    expect(await broker.stateOf(sent)).toBe('delivered');
  });

  test('any call of the session renews the lease: a long turn does not get its mail twice', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    await session.stop();
    for (let minutes = 0; minutes < 30; minutes += 5) {
      broker.clock.advance(5 * MINUTE);
      await session.goOn();
      await keepHouseOnce(broker.deps);
    }
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'leased', attempt: 1 });
  });
});

describe('the host does not go on', () => {
  test('another hook says continue:false and the next prompt carries the text: delivered', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    const { ids } = await session.stop();
    await session.prompt({ seen: ids });
    expect((await session.stop()).raw).toBe('');
    expect(await broker.stateOf(sent)).toBe('delivered');
  });

  test('another hook says continue:false and nothing carries it: not lost', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    await session.stop();
    await session.prompt();
    const again = await session.stop();
    expect(again.ids).toEqual([sent.message.id]);
    await session.goOn({ seen: again.ids });
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'delivered', attempt: 2 });
  });

  test('not more than 7 injections in a run; what is over stays available for the next prompt', async () => {
    const { broker, writer, reader, session } = await openPair();
    let ids: readonly string[] = [];
    for (let at = 0; at < 7; at += 1) {
      await broker.send(writer, reader);
      ids = (await session.stop({ seen: ids, continuation: at > 0 })).ids;
      expect(ids).toHaveLength(1);
    }
    const eighth = await broker.send(writer, reader);
    expect((await session.goOn({ seen: ids })).raw).toBe('');
    expect(await broker.stateOf(eighth)).toBe('available');
    await session.prompt();
    expect((await session.stop()).ids).toEqual([eighth.message.id]);
  });

  test('a call of an MCP tool of ours starts a new run, also where it does not know its session', async () => {
    for (const sessionId of ['session-1', null]) {
      const { broker, writer, reader, session } = await openPair();
      for (let at = 0; at < 8; at += 1) {
        await broker.send(writer, reader);
        await session.stop({ continuation: at > 0 });
      }
      expect((await session.goOn()).raw).toBe('');
      await noteToolCall(broker.deps, reader.caller, sessionId);
      expect((await session.goOn()).ids).toHaveLength(1);
    }
  });

  test("a host at its own cap ends the turn: without evidence the message is the next prompt's", async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    await session.goOn();
    await session.prompt();
    expect((await session.stop()).ids).toEqual([sent.message.id]);
  });
});

describe('the session ends', () => {
  test('right after an injection without evidence: another session gets it at once', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    await session.stop();
    await session.end();
    expect(broker.woken.at(-1)).toBe(reader.id);
    expect((await new HostSession(broker, reader, { id: 'session-2' }).stop()).ids).toEqual([sent.message.id]);
  });

  test('with evidence: delivered', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    const { ids } = await session.stop();
    await session.end({ seen: ids, promptId: 'of-its-own' });
    expect(await broker.stateOf(sent)).toBe('delivered');
  });

  test('/clear: the new session hears how much waits, and gets it at the end of its turn', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader, { body: 'do not show me at the start', subject: 'nor me' });
    await session.stop();
    await session.end({ input: { reason: 'clear' } });
    const cleared = new HostSession(broker, reader, { id: 'session-2' });
    const { text } = await cleared.start({ input: { source: 'clear' } });
    expect(text).toContain(`1 message waits for ${reader.address}`);
    expect(text).not.toMatch(/show me|nor me|writer/);
    const injected = await cleared.stop();
    expect(injected.ids).toEqual([sent.message.id]);
    expect(injected.text).toContain('attempt 2');
  });

  test('a start without mail says nothing', async () => {
    const { session } = await openPair();
    expect((await session.start()).raw).toBe('');
  });
});

describe('meanwhile', () => {
  test('read by MCP while a hook holds it: delivered, and not handed out again when the hook gives up', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    await session.stop();
    await acknowledge(broker.deps, reader.id, sent.message.id);
    await session.prompt();
    expect((await session.stop()).raw).toBe('');
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'delivered', evidence: 'ack' });
  });

  test('it expires while leased: evidence wins', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader, { expiresAt: broker.clock.now() + MINUTE });
    const { ids } = await session.stop();
    broker.clock.advance(2 * MINUTE);
    await keepHouseOnce(broker.deps);
    expect(await broker.stateOf(sent)).toBe('leased');
    await session.prompt({ seen: ids });
    expect(await broker.stateOf(sent)).toBe('delivered');
  });

  test('it expires while leased: without evidence it is expired when the lease ends, and not injected', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader, { expiresAt: broker.clock.now() + MINUTE });
    await session.stop();
    broker.clock.advance(2 * MINUTE);
    await session.prompt();
    expect(await broker.stateOf(sent)).toBe('expired');
    expect((await session.stop()).raw).toBe('');
  });

  test('the key is revoked while leased: dead at once, its leases come back, who waits is woken', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = await broker.send(writer, reader);
    await session.stop();
    await revokeKey(broker.deps, reader.caller.agent, reader.caller.key.id, 'lost');
    expect(await broker.stateOf(sent)).toBe('available');
    expect(broker.woken.slice(-2)).toEqual([reader.id, reader.caller.key.id]);
    await expect(authenticate(broker.deps, reader.registered.key.secret)).rejects.toMatchObject({
      code: 'unauthorized',
    });
    await expect(broker.send(reader, writer)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test('the agent is deleted with mail open: cancelled, refused from then on, its key dead, its name gone', async () => {
    const { broker, writer, reader, session } = await openPair();
    const leased = await broker.send(writer, reader);
    await session.stop();
    const waiting = await broker.send(writer, reader);
    await endAgent(broker.deps, reader.caller.agent);
    expect([await broker.stateOf(leased), await broker.stateOf(waiting)]).toEqual(['cancelled', 'cancelled']);
    await expect(broker.send(writer, reader)).rejects.toMatchObject({ code: 'recipient_unknown' });
    await expect(authenticate(broker.deps, reader.registered.key.secret)).rejects.toMatchObject({
      code: 'unauthorized',
    });
    await expect(broker.agent('reader')).rejects.toMatchObject({ code: 'name_taken' });
  });
});
