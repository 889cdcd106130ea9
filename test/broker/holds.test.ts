/** What waits for a person: broken signatures, compromised keys, threads over their budget. */

import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { decideHold } from '../../relay/broker/holds.ts';
import { revokeKey } from '../../relay/broker/keys.ts';
import { TURNS_PER_HOUR } from '../../relay/broker/thread-budget.ts';
import { RelayError } from '../../relay/errors.ts';
import { openBroker } from '../support/broker-fixture.ts';
import { HostSession } from '../support/host-session.ts';
import { HOUR, MINUTE } from '../support/manual-clock.ts';
import { ALL } from '../support/store-fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a signature that does not verify', () => {
  async function openWithFile() {
    const file = path.join(temporaryFolder(), 'turnpost.db');
    const broker = await openBroker({ file });
    const [writer, reader] = [await broker.agent('writer'), await broker.agent('reader')];
    const tamper = (sql: string, ...values: unknown[]) => {
      const db = new Database(file);
      db.prepare(sql).run(...values);
      db.close();
    };
    return { broker, writer, reader, tamper, session: new HostSession(broker, reader) };
  }

  test.each([
    ['the body', 'UPDATE message SET body = ?', 'delete everything'],
    ['the sender', 'UPDATE message SET from_address = ?', 'other@turnpost.localhost'],
    ['the recipients', 'UPDATE message SET recipients = ?', '["other@turnpost.localhost"]'],
    ['the thread', 'UPDATE message SET thread_id = ?', 'thr_other'],
    ['the time', 'UPDATE message SET created_at = created_at + ?', 60_000],
    ['the hop count', 'UPDATE message SET hop = ?', 5],
    ['the signature', 'UPDATE message SET jws = substr(jws, 1, length(jws) - 8) || ?', 'AAAAAAAA'],
    ['the signature, to nonsense', 'UPDATE message SET jws = ?', 'no.jwt.atall'],
    ['the signature, to none', 'UPDATE message SET jws = ?', null],
    [
      'the signature, to alg none',
      'UPDATE message SET jws = ?',
      `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${Buffer.from('{').toString('base64url')}.`,
    ],
  ])('%s was changed in the database: held with the reason, never injected', async (_, sql, value) => {
    const { broker, writer, reader, tamper, session } = await openWithFile();
    const sent = await broker.send(writer, reader);
    tamper(sql, value);
    const good = await broker.send(writer, reader, { body: 'honest' });
    expect((await session.stop()).ids).toEqual([good.message.id]);
    expect(await broker.stateOf(sent)).toBe('held');
    const [held] = (await broker.deps.stores.holds.list(ALL)).items;
    expect(held?.hold).toMatchObject({ kind: 'quarantine', reason: expect.stringMatching(/^not handed out: it/) });
    expect((await broker.lease(reader)).items).toEqual([]);
  });

  test('a lease by tool or API checks it too, and it cannot be accepted', async () => {
    const { broker, writer, reader, tamper } = await openWithFile();
    const sent = await broker.send(writer, reader);
    tamper('UPDATE message SET body = ?', 'delete everything');
    expect((await broker.lease(reader)).items).toEqual([]);
    const [held] = (await broker.deps.stores.holds.list(ALL)).items;
    await expect(decideHold(broker.deps, held?.hold.id ?? '', 'accepted')).rejects.toMatchObject({
      code: 'state_conflict',
    });
    expect((await broker.lease(reader)).items).toEqual([]);
    expect(await broker.stateOf(sent)).toBe('held');
  });

  test('a message of another relay’s key is not ours', async () => {
    const { broker, writer, reader, session } = await openWithFile();
    const other = await openBroker();
    const [otherWriter, otherReader] = [await other.agent('writer'), await other.agent('reader')];
    const foreign = await other.send(otherWriter, otherReader);
    const sent = await broker.send(writer, reader);
    expect(broker.deps.signer.problem(foreign.message)).toBe('it is signed with a key that is not ours');
    expect(broker.deps.signer.problem(sent.message)).toBeNull();
    expect((await session.stop()).ids).toHaveLength(1);
  });
});

describe('a compromised key', () => {
  test('what nobody has yet is held; a person lets it go on, and the reader and the outbox are woken', async () => {
    const broker = await openBroker();
    const [writer, reader] = [await broker.agent('writer'), await broker.agent('reader')];
    const sent = await broker.send(writer, reader);
    const email = await broker.send(writer, 'person@example.com');
    await revokeKey(broker.deps, writer.caller.agent, writer.caller.key.id, 'compromised');
    expect([await broker.stateOf(sent), await broker.stateOf(email)]).toEqual(['held', 'held']);
    const session = new HostSession(broker, reader);
    expect((await session.stop()).raw).toBe('');
    broker.woken.length = 0;
    const rung = broker.rung();
    for (const { hold } of (await broker.deps.stores.holds.list(ALL)).items) {
      await decideHold(broker.deps, hold.id, 'accepted');
    }
    expect(broker.woken).toEqual([reader.id]);
    expect(broker.rung()).toBe(rung + 1);
    expect((await session.stop()).ids).toEqual([sent.message.id]);
  });

  test('what is given back unread waits too', async () => {
    const broker = await openBroker();
    const [writer, reader] = [await broker.agent('writer'), await broker.agent('reader')];
    const sent = await broker.send(writer, reader);
    const session = new HostSession(broker, reader);
    await session.stop();
    await revokeKey(broker.deps, writer.caller.agent, writer.caller.key.id, 'compromised');
    expect(await broker.stateOf(sent)).toBe('leased');
    await session.prompt();
    expect((await session.stop()).raw).toBe('');
    expect(await broker.stateOf(sent)).toBe('held');
  });
});

describe('decisions', () => {
  test('none twice, none about what is not there', async () => {
    const broker = await openBroker();
    const [writer, reader] = [await broker.agent('writer'), await broker.agent('reader')];
    await broker.send(writer, reader);
    await revokeKey(broker.deps, writer.caller.agent, writer.caller.key.id, 'compromised');
    const [held] = (await broker.deps.stores.holds.list(ALL)).items;
    const id = held?.hold.id ?? '';
    await decideHold(broker.deps, id, 'dropped');
    await expect(decideHold(broker.deps, id, 'accepted')).rejects.toMatchObject({
      code: 'state_conflict',
      message: 'That message was dropped already.',
    });
    await expect(decideHold(broker.deps, 'hld_none', 'accepted')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('the budget of a thread', () => {
  async function openTalk(owner: string | null = 'you@example.com') {
    const broker = await openBroker({ settings: { owner } });
    const [one, two] = [await broker.agent('one'), await broker.agent('two')];
    const first = await broker.send(one, two, { subject: 'Talk' });
    let last = first;
    /** Answers back and forth, a second apart. */
    const talk = async (times: number) => {
      for (let at = 0; at < times; at += 1) {
        broker.clock.advance(1_000);
        const from = last.message.senderAgentId === one.id ? two : one;
        last = await broker.send(from, from === one ? two : one, { inReplyTo: last.message.id });
      }
      return last;
    };
    const notes = async () => (await broker.deps.stores.outbox.list(ALL)).items;
    return { broker, one, two, talk, notes };
  }

  test('so many messages in an hour pass, the next waits for approval, and its owner is told by email, once', async () => {
    const { broker, one, two, talk, notes } = await openTalk();
    expect(await broker.stateOf(await talk(TURNS_PER_HOUR - 1))).toBe('available');
    expect(await notes()).toEqual([]);
    const over = await broker.send(one, two, { threadId: (await talk(0)).message.threadId });
    expect(await broker.stateOf(over)).toBe('held');
    await broker.send(two, one, { threadId: over.message.threadId });
    const [note, ...more] = await notes();
    expect(more).toEqual([]);
    expect(note?.email.envelopeTo).toBe('you@example.com');
    expect(note?.email.raw.toString()).toContain('turnpost holds');
    expect(note?.email.raw.toString()).toMatch(/^From: Turnpost <postmaster@turnpost.localhost>\r$/m);
    expect(note?.email.envelopeFrom).toBe('');
    const { items } = await broker.deps.stores.holds.list(ALL);
    expect(items.map(({ hold }) => hold.kind)).toEqual(['approval', 'approval']);
    await decideHold(broker.deps, items[1]?.hold.id ?? '', 'accepted');
    expect(await broker.stateOf(over)).toBe('available');
  });

  test('many at the same moment: no more than the budget pass, and the owner is told once', async () => {
    const { broker, one, two, talk, notes } = await openTalk();
    const { threadId } = (await talk(TURNS_PER_HOUR - 2)).message;
    const sent = await Promise.all([1, 2, 3].map(() => broker.send(one, two, { threadId })));
    const states = await Promise.all(sent.map((one) => broker.stateOf(one)));
    expect(states.toSorted()).toEqual(['available', 'held', 'held']);
    expect(sent.map(({ deliveries }) => deliveries[0]?.state)).toEqual(states);
    expect(await notes()).toHaveLength(1);
  });

  test('a thread that stays at its limit for hours does not write to its owner again and again', async () => {
    const { broker, one, two, talk, notes } = await openTalk();
    const { threadId } = (await talk(TURNS_PER_HOUR - 1)).message;
    for (let at = 0; at < 150; at += 1) {
      broker.clock.advance(MINUTE);
      await broker.send(one, two, { threadId });
    }
    expect(await notes()).toHaveLength(1);
  });

  test('another thread is free, and so is this one an hour later', async () => {
    const { broker, one, two, talk } = await openTalk();
    const { threadId } = (await talk(TURNS_PER_HOUR - 1)).message;
    expect(await broker.stateOf(await broker.send(one, two))).toBe('available');
    broker.clock.advance(HOUR);
    expect(await broker.stateOf(await broker.send(one, two, { threadId }))).toBe('available');
  });

  test('without an owner it is held all the same', async () => {
    const { broker, one, two, talk, notes } = await openTalk(null);
    const { threadId } = (await talk(TURNS_PER_HOUR - 1)).message;
    expect(await broker.stateOf(await broker.send(one, two, { threadId }))).toBe('held');
    expect(await notes()).toEqual([]);
  });

  test('a note that cannot be stored does not undo the message that was', async () => {
    const { broker, one, two, talk, notes } = await openTalk();
    const { threadId } = (await talk(TURNS_PER_HOUR - 1)).message;
    const { messages } = broker.deps.stores;
    const accept = messages.accept.bind(messages);
    messages.accept = async (mail) => {
      if (mail.message.type === 'notice') throw new RelayError('unavailable');
      await accept(mail);
    };
    const over = await broker.send(one, two, { threadId });
    expect(await broker.stateOf(over)).toBe('held');
    expect(await notes()).toEqual([]);
  });
});
