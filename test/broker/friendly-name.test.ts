/** Names that are given out: what they look like, and how many there are. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { adjectiveNoun, NUMBERED_NAMES, numberedName } from '../../relay/broker/friendly-name.ts';
import { AgentName } from '../../relay/wire.ts';

test('a numbered name is adjective-noun-NN, one of over two million, and no longer than an agent may be called', () => {
  expect(NUMBERED_NAMES).toBeGreaterThan(2_000_000);
  for (let n = 0; n < 1000; n += 1) {
    const name = numberedName({ randomBytes });
    expect(name).toMatch(/^[a-z]+-[a-z]+-[1-9][0-9]$/);
    expect(AgentName.safeParse(name).success).toBe(true);
    expect(adjectiveNoun({ randomBytes })).toMatch(/^[a-z]+-[a-z]+$/);
  }
});

test('a thousand names are hardly ever the same twice', () => {
  const names = new Set(Array.from({ length: 1000 }, () => numberedName({ randomBytes })));
  expect(names.size).toBeGreaterThan(990);
});
