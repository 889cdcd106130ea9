/** A hook is a pipe: the host's input goes to the relay unchanged, the relay's answer comes out unchanged. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DUTIES } from '../../hooks/build-hooks.ts';
import { startHookRelay } from '../support/hook-relay.ts';
import { hookFile, runHook } from '../support/run-hook.ts';

const directory = mkdtempSync(join(tmpdir(), 'turnpost-pipe-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

// Spaces, key order, escapes and fields of the future must survive.
const INPUT =
  '{ "z":1,"session_id":"s1","hook_event_name":"Stop",  "new_field":{"a":[1,2]},"text":"\\u00e4 😀 \\/" }\n';
const ANSWER = `{"reason":"a\\nb 😀 ${'yes '.repeat(50_000)}","end":1}`;

describe.each(DUTIES)('%s', (duty) => {
  test('passes on both ways over the socket, byte for byte', async () => {
    await using relay = await startHookRelay(() => ANSWER);
    const run = await runHook(duty, INPUT, { host: 'claude', env: relay.env });
    expect([run.stdout === ANSWER, run.code, run.stderr]).toEqual([true, 0, '']);
    const [call] = relay.calls;
    expect(call).toMatchObject({ host: 'claude', event: 'Stop', body: INPUT, authorization: 'Bearer tp_agent_test' });
    expect(call?.seen).toEqual([]);
  });

  test('passes on both ways over a URL', async () => {
    await using relay = await startHookRelay(() => ANSWER);
    const env = { TURNPOST_URL: `${relay.url}/`, TURNPOST_KEY: 'tp_agent_test' };
    const run = await runHook(duty, INPUT, { host: 'gemini', env });
    expect([run.stdout === ANSWER, run.code, run.stderr]).toEqual([true, 0, '']);
    expect(relay.calls).toMatchObject([{ host: 'gemini', event: 'Stop', body: INPUT, seen: [] }]);
  });

  test('prints nothing when the relay has nothing', async () => {
    await using relay = await startHookRelay(() => '');
    expect(await runHook(duty, INPUT, { host: 'codex', env: relay.env })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect(relay.calls).toHaveLength(1);
  });
});

describe('settings', () => {
  async function withFile(settings: unknown, env: Record<string, string> = {}): Promise<string> {
    const file = join(directory, 'end-of-turn.mjs');
    copyFileSync(hookFile('end-of-turn'), file);
    writeFileSync(join(directory, 'turnpost.json'), JSON.stringify(settings));
    return (await runHook('end-of-turn', INPUT, { host: 'claude', file, env })).stdout;
  }

  test('from turnpost.json beside the file: socket, or URL', async () => {
    await using relay = await startHookRelay((call) => `{"key":"${call.authorization}"}`);
    expect(await withFile({ socket: relay.socket, key: 'k1' })).toBe('{"key":"Bearer k1"}');
    expect(await withFile({ url: relay.url, key: 'k2' })).toBe('{"key":"Bearer k2"}');
  });

  test('the socket wins when it is there, else the URL is used', async () => {
    await using relay = await startHookRelay(() => '{"by":"either"}');
    expect(await withFile({ socket: relay.socket, url: 'http://127.0.0.1:1', key: 'k' })).toBe('{"by":"either"}');
    expect(await withFile({ socket: '/nonexistent/s', url: relay.url, key: 'k' })).toBe('{"by":"either"}');
  });

  test('the environment wins over the file, whole: a URL from one never meets the key of the other', async () => {
    await using relay = await startHookRelay((call) => `{"key":"${call.authorization}"}`);
    await using other = await startHookRelay();
    expect(await withFile({ url: other.url, key: 'file' }, { TURNPOST_URL: relay.url, TURNPOST_KEY: 'env' })).toBe(
      '{"key":"Bearer env"}',
    );
    expect(await withFile({ url: relay.url, key: 'file' }, { TURNPOST_URL: other.url })).toBe('{"key":"Bearer file"}');
    expect(other.calls).toEqual([]);
  });
});

describe('without a host on the command line it is told from the input', () => {
  test.each([
    ['claude', { hook_event_name: 'Stop' }, { CLAUDE_CODE_SESSION_ID: 's1' }],
    ['gemini', { hook_event_name: 'AfterAgent' }, { CLAUDE_CODE_SESSION_ID: 's1' }],
    ['gemini', { hook_event_name: 'SessionEnd' }, { GEMINI_SESSION_ID: 's1' }],
    ['gemini', { hook_event_name: 'SessionStart', transcript_path: '/h/.gemini/tmp/p/chats/session-1.jsonl' }, {}],
    ['codex', { hook_event_name: 'Stop', transcript_path: '/h/.codex/sessions/rollout-1.jsonl' }, {}],
    ['codex', { hook_event_name: 'Stop', transcript_path: null, turn_id: 't' }, { CLAUDE_CODE_SESSION_ID: 'outer' }],
  ])('%s', async (host, input, env) => {
    await using relay = await startHookRelay();
    await runHook('end-of-turn', JSON.stringify({ session_id: 's1', ...input }), { env: { ...relay.env, ...env } });
    expect(relay.calls.map((call) => call.host)).toEqual([host]);
  });

  test('and where nothing tells, nobody is asked', async () => {
    await using relay = await startHookRelay(() => '{}');
    const { stdout } = await runHook('end-of-turn', '{"session_id":"s1","hook_event_name":"Stop"}', { env: relay.env });
    expect([stdout, relay.calls.length]).toEqual(['', 0]);
  });
});
