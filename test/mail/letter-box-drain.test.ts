/** The drain against a mailbox made of values: the odd cases that real servers show seldom. */
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../relay/clock.ts';
import { RelayError } from '../../relay/errors.ts';
import { silentLog } from '../../relay/log.ts';
import { drainMailbox, KeeperFailure, type OpenMailbox } from '../../relay/mail/letter-box-drain.ts';
import { MemoryKeeper } from '../mail-servers/memory-keeper.ts';

interface Mail {
  readonly uid: number;
  readonly to?: string;
  readonly size?: number;
}

function mailbox(mails: readonly Mail[], uidValidity = '1') {
  const fetched: number[] = [];
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
  return { box, fetched };
}

function options(keeper: MemoryKeeper) {
  return { account: 'a', folder: 'INBOX', keeper, maxBytes: 1000, clock: systemClock, log: silentLog };
}

function uids(keeper: MemoryKeeper): number[] {
  return keeper.taken.map(({ source }) => (source.kind === 'imap' ? source.uid : 0));
}

const never = () => false;

describe('drainMailbox', () => {
  test('starts at the end of a mailbox it sees first, then takes what comes, in order, none twice', async () => {
    const keeper = new MemoryKeeper();
    await drainMailbox(mailbox([{ uid: 3 }, { uid: 7 }]).box, options(keeper), never);
    expect(keeper.cursor).toEqual({ uidValidity: '1', lastUid: 7 });
    const later = mailbox([{ uid: 3 }, { uid: 7 }, { uid: 8 }, { uid: 20 }]);
    await drainMailbox(later.box, options(keeper), never);
    await drainMailbox(later.box, options(keeper), never);
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
});
