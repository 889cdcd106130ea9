/** The ledger of the kill bench must be able to say that something is wrong. */
import { expect, test } from 'vitest';
import { Ledger } from '../../bench/kill/ledger.ts';

function told(): Ledger {
  const ledger = new Ledger();
  ledger.accepted('first words', 'msg_1');
  ledger.accepted('other words', 'msg_2');
  ledger.leased('msg_1');
  ledger.acknowledged('msg_1');
  ledger.injected('msg_2');
  return ledger;
}

const STORED = [
  { id: 'msg_1', body: 'first words', state: 'delivered' },
  { id: 'msg_2', body: 'other words', state: 'delivered' },
];

test('all that was accepted is there and was handed out once: nothing is wrong', () => {
  expect(told().judge(STORED)).toEqual({
    accepted: 2,
    lost: 0,
    doubled: 0,
    afterAck: 0,
    twiceInTranscript: 0,
    again: 0,
  });
});

test('a message that is no longer there is lost', () => {
  expect(told().judge(STORED.slice(1))).toMatchObject({ lost: 1 });
});

test('a message that was never handed out is lost', () => {
  const ledger = told();
  ledger.accepted('third words', 'msg_3');
  const stored = [...STORED, { id: 'msg_3', body: 'third words', state: 'available' }];
  expect(ledger.judge(stored)).toMatchObject({ lost: 1 });
});

test('an answer whose id is another than the stored one is a loss', () => {
  const ledger = told();
  ledger.accepted('first words', 'msg_9');
  expect(ledger.judge(STORED)).toMatchObject({ lost: 1 });
});

test('one send that is two messages is doubled', () => {
  const stored = [...STORED, { id: 'msg_4', body: 'first words', state: 'available' }];
  expect(told().judge(stored)).toMatchObject({ doubled: 1 });
});

test('handed out after its acknowledgement counts, and so does a second injection', () => {
  const ledger = told();
  ledger.leased('msg_1');
  ledger.injected('msg_2');
  expect(ledger.judge(STORED)).toMatchObject({ afterAck: 1, twiceInTranscript: 1, again: 2 });
});

test('handed out again without an acknowledgement is by design', () => {
  const ledger = new Ledger();
  ledger.accepted('first words', 'msg_1');
  ledger.leased('msg_1');
  ledger.leased('msg_1');
  expect(ledger.judge(STORED.slice(0, 1))).toMatchObject({ lost: 0, afterAck: 0, again: 1 });
});
