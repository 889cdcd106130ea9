/** Nobody's word gets in under another's name; and what is genuine gets in by the same checks. */
import { describe, expect, test } from 'vitest';
import { openBroker } from '../../support/broker-fixture.ts';
import { type ForgeryCase, forgeryCases, runForgery } from '../../support/forgeries.ts';

const cases = forgeryCases();
const forged = cases.filter(({ genuine }) => genuine !== true);
const genuine = cases.filter((one) => one.genuine === true);

/** `reason` is a part of the sentence. */
function wanted({ expect: { reason = '', ...rest } }: ForgeryCase, defaults: object): object {
  return { ...defaults, ...rest, reason: expect.stringContaining(reason) };
}

test('there are more than sixty forgeries, and genuine mail beside them', () => {
  console.log(`forgery suite: ${forged.length} forgeries, ${genuine.length} genuine mails`);
  expect(forged.length).toBeGreaterThanOrEqual(60);
  expect(genuine.length).toBeGreaterThanOrEqual(10);
  expect(new Set(cases.map(({ file }) => file)).size).toBe(cases.length);
});

describe('held, with a verdict and a reason', () => {
  test.each(forged.map((one) => [one.file, one.why, one] as const))('%s: %s', async (_file, _why, one) => {
    const refused = { trust: 'unknown', verified_by: 'none', state: 'held' };
    expect(await runForgery(one, openBroker)).toMatchObject(wanted(one, refused));
  });
});

describe('let in', () => {
  test.each(genuine.map((one) => [one.file, one.why, one] as const))('%s: %s', async (_file, _why, one) => {
    expect(await runForgery(one, openBroker)).toMatchObject(wanted(one, { state: 'available' }));
  });
});
