/** What is remembered of sessions over HTTP, and of which nothing is. */
import { expect, test } from 'vitest';
import { HttpSessions } from '../../mcp-remote/http-sessions.ts';

const MOST = 5_000;

test('a session is found again by agent and id, and by no other agent', () => {
  const sessions = new HttpSessions();
  const session = sessions.get('agent-a', 's1');
  expect(sessions.get('agent-a', 's1')).toBe(session);
  expect(sessions.get('agent-b', 's1')).not.toBe(session);
});

test('requests that name no session push no other agent out', () => {
  const sessions = new HttpSessions();
  const session = sessions.get('agent-a', 's1');
  const ids = Array.from({ length: MOST + 1 }, () => sessions.unnamed().memory.fallbackId);
  expect(new Set(ids).size).toBe(MOST + 1);
  expect(sessions.get('agent-a', 's1')).toBe(session);
});

test('beyond the most, the least recently used goes first', () => {
  const sessions = new HttpSessions();
  const [first, second] = [sessions.get('agent-a', 's1'), sessions.get('agent-a', 's2')];
  for (let number = 0; number < MOST - 2; number += 1) sessions.get('agent-b', `s${number}`);
  expect(sessions.get('agent-a', 's1')).toBe(first);
  sessions.get('agent-b', 'one more');
  expect(sessions.get('agent-a', 's2')).not.toBe(second);
});
