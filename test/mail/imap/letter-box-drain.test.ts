/** The drain against a mailbox made of values: the odd cases that real servers show seldom. */
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../relay/clock.ts';
import { RelayError } from '../../../relay/errors.ts';
import { silentLog } from '../../../relay/log.ts';
import { drainMailbox, KeeperFailure, type OpenMailbox } from '../../../relay/mail/imap/letter-box-drain.ts';
import { MemoryKeeper } from '../../mail-servers/memory-keeper.ts';

interface Mail {
  readonly uid: number;
  readonly to?: string;
  readonly size?: number;
}

function mailbox(mails: readonly Mail[], uidValidity = '1') {
  const fetched: number[] = [];
  const headed: number[] = [];
  const find = (uid: number) => mails.find((mail) => mail.uid === uid);
  const box: OpenMailbox = {
    uidValidity,
    uidNext: Math.max(0, ...mails.map(({ uid }) => uid)) + 1,
    // As servers do: "n:*" names the last mail even where n is past it, and order is theirs to choose.
    async findUids(first) {
      const last = mails.at(-1)?.uid;
      return mails
        .map(({ uid }) => uid)
        .filter((uid) => uid >= first || uid === last)
        .reverse();
    },
    async fetchHeads(uids) {
      headed.push(...uids);
      return uids.flatMap((uid) => {
        const mail = find(uid);
        const headers = Buffer.from(
          `To: ${mail?.to ?? 'bob@turnpost.localhost'}\r\nReferences: <a@x>\r\n\t<b@x>\r\n\r\n`,
        );
        return mail === undefined || mail.size === -1 ? [] : [{ uid, size: mail.size ?? 10, headers }];
      });
    },
    async fetchSource(uid) {
      fetched.push(uid);
      return find(uid)?.size === 0 ? undefined : Buffer.from(`mail ${uid}`);
    },
  };
  return { box, fetched, headed };
}

/** `decided` is what one run of the relay remembers. */
function options(keeper: MemoryKeeper, decided = new Set<number>()) {
  return { account: 'a', folder: 'INBOX', keeper, decided, maxBytes: 1000, clock: systemClock, log: silentLog };
}

function uids(keeper: MemoryKeeper): number[] {
  return keeper.taken.map(({ source }) => (source.kind === 'imap' ? source.uid : 0));
}

const never = () => false;

describe('drainMailbox', () => {
  test('starts at the end of a mailbox it sees first, then takes what comes, in order, none twice', async () => {
    const keeper = new MemoryKeeper();
    const relay = options(keeper);
    await drainMailbox(mailbox([{ uid: 3 }, { uid: 7 }]).box, relay, never);
    expect(keeper.cursor).toEqual({ uidValidity: '1', lastUid: 7 });
    const later = mailbox([{ uid: 3 }, { uid: 7 }, { uid: 8 }, { uid: 20 }]);
    await drainMailbox(later.box, relay, never);
    await drainMailbox(later.box, relay, never);
    expect(uids(keeper)).toEqual([8, 20]);
  });

  test('reads a mailbox with another UIDVALIDITY from 1', async () => {
    const keeper = new MemoryKeeper();
    keeper.cursor = { uidValidity: '1', lastUid: 50 };
    await drainMailbox(mailbox([{ uid: 1 }, { uid: 2 }], '2').box, options(keeper), never);
    expect(uids(keeper)).toEqual([1, 2]);
    expect(keeper.cursor).toEqual({ uidValidity: '2', lastUid: 2 });
  });

  test('fetches no mail that is not ours, and passes it', async () => {
    const keeper = new MemoryKeeper();
    keeper.cursor = { uidValidity: '1', lastUid: 0 };
    keeper.ours = (addresses) => addresses.includes('bob@turnpost.localhost');
    const { box, fetched } = mailbox([
      { uid: 1, to: 'person@example.com' },
      { uid: 2 },
      { uid: 3, to: 'person@example.com' },
    ]);
    await drainMailbox(box, options(keeper), never);
    expect(fetched).toEqual([2]);
    expect(keeper.cursor.lastUid).toBe(3);
    expect(keeper.asked[0]?.references).toEqual(['<a@x>', '<b@x>']);
  });

  test('puts a mail over the limit on hold without fetching it', async () => {
    const keeper = new MemoryKeeper();
    keeper.cursor = { uidValidity: '1', lastUid: 0 };
    const { box, fetched } = mailbox([{ uid: 1, size: 1001 }]);
    await drainMailbox(box, options(keeper), never);
    expect(fetched).toEqual([]);
    expect(keeper.quarantined).toMatchObject([{ raw: null }]);
  });

  test('passes mail that is deleted while it reads', async () => {
    const keeper = new MemoryKeeper();
    keeper.cursor = { uidValidity: '1', lastUid: 0 };
    await drainMailbox(mailbox([{ uid: 1, size: -1 }, { uid: 2, size: 0 }, { uid: 3 }]).box, options(keeper), never);
    expect(uids(keeper)).toEqual([3]);
    expect(keeper.cursor.lastUid).toBe(3);
  });

  test('a store that is not to be had stops it before the mail, uncounted, however often', async () => {
    const keeper = new MemoryKeeper();
    keeper.cursor = { uidValidity: '1', lastUid: 0 };
    keeper.beforeTake = () => {
      throw new RelayError('unavailable');
    };
    const { box } = mailbox([{ uid: 1 }, { uid: 2 }]);
    for (let n = 0; n < 5; n += 1)
      await expect(drainMailbox(box, options(keeper), never)).rejects.toThrow(KeeperFailure);
    expect(keeper.cursor.lastUid).toBe(0);
    expect(keeper.failures.size).toBe(0);
    keeper.beforeTake = () => {};
    await drainMailbox(box, options(keeper), never);
    expect(uids(keeper)).toEqual([1, 2]);
  });

  test('a mail that fails three times is put aside with its bytes, and the next is taken', async () => {
    const keeper = new MemoryKeeper();
    keeper.cursor = { uidValidity: '1', lastUid: 0 };
    keeper.beforeTake = ({ raw }) => {
      if (raw.toString() === 'mail 1') throw new Error('poison');
    };
    const { box } = mailbox([{ uid: 1 }, { uid: 2 }]);
    await expect(drainMailbox(box, options(keeper), never)).rejects.toThrow(KeeperFailure);
    await expect(drainMailbox(box, options(keeper), never)).rejects.toThrow(KeeperFailure);
    expect(uids(keeper)).toEqual([]);
    await drainMailbox(box, options(keeper), never);
    expect(keeper.quarantined).toMatchObject([{ raw: Buffer.from('mail 1') }]);
    expect(uids(keeper)).toEqual([2]);
  });

  test('stops between mails when told to, with the cursor where it is', async () => {
    const keeper = new MemoryKeeper();
    keeper.cursor = { uidValidity: '1', lastUid: 0 };
    const many = Array.from({ length: 120 }, (_, n) => ({ uid: n + 1 }));
    await drainMailbox(mailbox(many).box, options(keeper), () => keeper.taken.length >= 60);
    expect(uids(keeper)).toHaveLength(60);
    expect(keeper.cursor.lastUid).toBe(60);
  });

  describe('a mail that comes to light below the cursor', () => {
    const all = (from: number, to: number, but: readonly number[] = []) =>
      Array.from({ length: to - from + 1 }, (_, n) => ({ uid: from + n })).filter(({ uid }) => !but.includes(uid));

    /** A relay that has read 1 to 40 of a mailbox where 20 and 38 did not show. */
    async function reader() {
      const keeper = new MemoryKeeper();
      await drainMailbox(mailbox([]).box, options(keeper), never);
      const relay = options(keeper);
      await drainMailbox(mailbox(all(1, 40, [20, 38])).box, relay, never);
      keeper.taken.length = 0;
      return { keeper, relay };
    }

    test('is taken once, and the cursor stays', async () => {
      const { keeper, relay } = await reader();
      const { box, headed, fetched } = mailbox(all(1, 40));
      await drainMailbox(box, relay, never);
      await drainMailbox(box, relay, never);
      expect(uids(keeper)).toEqual([20, 38]);
      expect([headed, fetched]).toEqual([
        [20, 38],
        [20, 38],
      ]);
      expect(keeper.cursor?.lastUid).toBe(40);
    });

    test('comes after what is new', async () => {
      const { keeper, relay } = await reader();
      await drainMailbox(mailbox(all(1, 41)).box, relay, never);
      expect(uids(keeper)).toEqual([41, 20, 38]);
      expect(keeper.cursor?.lastUid).toBe(41);
    });

    test('costs nothing where there is none: no header is fetched', async () => {
      const { relay } = await reader();
      const { box, headed } = mailbox(all(1, 40, [20, 38]));
      await drainMailbox(box, relay, never);
      expect(headed).toEqual([]);
    });

    test('is left alone more than 30 below', async () => {
      const { keeper, relay } = await reader();
      await drainMailbox(mailbox(all(1, 50, [20, 38])).box, relay, never);
      keeper.taken.length = 0;
      await drainMailbox(mailbox(all(1, 50)).box, relay, never);
      expect(uids(keeper)).toEqual([38]);
    });

    test('is left alone where it is none of ours, and asked about once', async () => {
      const { keeper, relay } = await reader();
      keeper.ours = () => false;
      const { box, headed } = mailbox(all(1, 40));
      await drainMailbox(box, relay, never);
      await drainMailbox(box, relay, never);
      expect([headed, uids(keeper)]).toEqual([[20, 38], []]);
    });

    test('is put aside after three failures, though what is new went on meanwhile', async () => {
      const { keeper, relay } = await reader();
      keeper.beforeTake = ({ raw }) => {
        if (raw.toString() === 'mail 38') throw new Error('poison');
      };
      for (const last of [41, 42]) {
        const { box } = mailbox(all(1, last, [20]));
        await expect(drainMailbox(box, relay, never)).rejects.toThrow(KeeperFailure);
      }
      await drainMailbox(mailbox(all(1, 43, [20])).box, relay, never);
      expect(uids(keeper)).toEqual([41, 42, 43]);
      expect(keeper.quarantined).toMatchObject([{ raw: Buffer.from('mail 38') }]);
      expect(keeper.cursor?.lastUid).toBe(43);
    });

    test('is found after a restart too; what lay there before the first sight is never touched', async () => {
      const keeper = new MemoryKeeper();
      await drainMailbox(mailbox(all(1, 7)).box, options(keeper), never);
      await drainMailbox(mailbox(all(1, 12, [9])).box, options(keeper), never);
      expect(uids(keeper)).toEqual([8, 10, 11, 12]);
      const { box, headed } = mailbox(all(1, 12));
      await drainMailbox(box, options(keeper), never);
      expect([headed, uids(keeper)]).toEqual([
        [8, 9, 10, 11, 12],
        [8, 10, 11, 12, 9],
      ]);
    });

    test('a mailbox that was made anew is read with nothing remembered of the old one', async () => {
      const { keeper, relay } = await reader();
      await drainMailbox(mailbox(all(1, 40, [39]), '2').box, relay, never);
      await drainMailbox(mailbox(all(1, 40), '2').box, relay, never);
      expect(uids(keeper)).toEqual([...all(1, 40, [39]).map(({ uid }) => uid), 39]);
    });
  });
});
