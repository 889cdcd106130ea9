import { describe, expect, test } from 'vitest';
import { capForJunk } from '../../relay/broker/junk.ts';

const sender = (trust: 'owner' | 'peer' | 'known' | 'unknown') => ({
  trust,
  address: 'person@example.com',
  reason: 'why',
});

describe('what lay in a Junk folder', () => {
  test.each([
    ['owner', true, 'known'],
    ['known', true, 'known'],
    ['peer', true, 'known'],
    ['unknown', true, 'unknown'],
    ['owner', false, 'unknown'],
    ['known', false, 'unknown'],
    ['peer', false, 'unknown'],
    ['unknown', false, 'unknown'],
  ] as const)('trust %s, answers a question put to its sender: %s, is at most %s', (trust, answersUs, most) => {
    expect(capForJunk(sender(trust), answersUs)).toMatchObject({ trust: most, address: 'person@example.com' });
  });

  test('what is taken away is explained; a reason there was stays', () => {
    expect(capForJunk(sender('owner'), false).reason).toMatch(/Junk folder/);
    expect(capForJunk(sender('unknown'), false).reason).toBe('why');
  });
});
