/** Machines are not people: the project's own cases (test/cases/machines), and the public bounces. */
import { expect, test } from 'vitest';
import { machineReport, readMachineCases } from '../../support/machine-report.ts';

const cases = await readMachineCases();

test.each(cases.map(({ file, expected, found }) => [file, expected, found] as const))('%s', (_, expected, found) => {
  expect(found).toMatchObject({ kind: expected });
});

test('there are cases of every class, people among them', () => {
  expect(cases.length).toBeGreaterThanOrEqual(90);
  const kinds = new Set(cases.map(({ expected }) => expected));
  expect([...kinds].toSorted()).toEqual([
    'auto_reply',
    'bounce',
    'calendar',
    'challenge',
    'complaint',
    'list',
    'own',
    'person',
    'receipt',
  ]);
});

test("a calendar's answer is facts, none of its text", () => {
  const found = cases.find(({ file }) => file === 'calendar.reply.eml')?.found;
  expect(found).toEqual({
    kind: 'calendar',
    reason: "a calendar program's answer (RFC 5546)",
    answer: {
      method: 'reply',
      attendee: 'person@example.com',
      status: 'accepted',
      uid: 'e1@example.com',
      start: '20260302T090000Z',
    },
  });
});

test('a complaint names the mail that was complained about', () => {
  expect(cases.find(({ file }) => file === 'complaint.arf.eml')?.found).toMatchObject({
    report: {
      feedbackType: 'abuse',
      originalMessageId: '<tp.msg_1@turnpost.example>',
      originalSenders: ['asker+b1abc@turnpost.example'],
    },
  });
});

test('bounces of servers that follow no standard tell what happened where they say it clearly', () => {
  const whole = (file: string) => {
    const found = cases.find((one) => one.file === file)?.found;
    return found?.kind === 'bounce' ? (found.report.whole ?? found.report.recipients[0]) : undefined;
  };
  expect(whole('bounce.qmail.eml')).toMatchObject({ action: 'failed', status: '5.1.1' });
  expect(whole('bounce.exim.eml')).toMatchObject({ address: 'gone@example.com', action: 'failed', status: '5.1.1' });
  expect(whole('bounce.exim-warning.eml')).toMatchObject({ action: 'delayed', status: null });
});

const { corpus, reports } = await machineReport();

// readCorpus says so where the corpus is absent.
test.skipIf(corpus === null)('of the public bounces, complaints and automatic replies none is a person', () => {
  const kinds = Object.fromEntries(corpus?.byKind ?? []);
  expect(kinds).not.toHaveProperty('person');
  expect(kinds).toEqual({ bounce: expect.any(Number), complaint: expect.any(Number), auto_reply: expect.any(Number) });
  expect(kinds['bounce']).toBeGreaterThanOrEqual(198);
  expect(kinds['complaint']).toBe(6);
  // What can be had from them: most say which mail and what was wrong with it.
  expect(reports.withStatus / reports.recipients).toBeGreaterThan(0.75);
  expect([...reports.byClass.values()].reduce((sum, count) => sum + count, 0)).toBe(reports.recipients);
});
