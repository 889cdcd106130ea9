/** How rounds become a line: in turn, medians, their ratio. */
import { expect, test } from 'vitest';
import { compare, interleave } from '../../bench/measurement.ts';
import { median, quantile } from '../../bench/statistics.ts';

test('floor and ours run in turn, the floor first', async () => {
  const order: string[] = [];
  const side = (name: string) => async () => {
    order.push(name);
    return { ms: order.length };
  };
  await interleave(2, { floor: side('floor'), ours: side('ours') });
  expect(order).toEqual(['floor', 'ours', 'floor', 'ours']);
});

test('a line has both medians, their ratio and every value', () => {
  const rounds = { floor: [{ ms: 2 }, { ms: 4 }, { ms: 90 }], ours: [{ ms: 8 }, { ms: 6 }, { ms: 7 }] };
  expect(compare(rounds, 'ms', { what: 'answer', unit: 'ms', goal: '<= 2 x floor' })).toEqual({
    what: 'answer',
    unit: 'ms',
    goal: '<= 2 x floor',
    ours: 7,
    floor: 4,
    ratio: 1.75,
    rounds: 3,
    values: { ours: [8, 6, 7], floor: [2, 4, 90] },
  });
});

test('without a floor there is no ratio', () => {
  expect(compare({ floor: [], ours: [{ ms: 3 }] }, 'ms', { what: 'answer', unit: 'ms' })).toMatchObject({
    floor: null,
    ratio: null,
  });
});

test('quantiles by nearest rank', () => {
  const values = [5, 1, 4, 2, 3, 10, 9, 8, 7, 6];
  expect([median(values), quantile(values, 0.95), quantile(values, 0.99), quantile([7], 0.5)]).toEqual([5, 10, 10, 7]);
});
