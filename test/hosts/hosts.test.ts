/** Hosts: the hook input of real clients is understood, wrong input is refused by field, and output has the measured form. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { RelayError } from '../../relay/errors.ts';
import type { HookCall, Host } from '../../relay/hosts/host.ts';
import { MARKER, markerLine } from '../../relay/hosts/marker.ts';
import { findHost } from '../../relay/hosts/registry.ts';
import { HOSTS, type HostName } from '../../relay/types.ts';

const CASES = new URL('../cases/hosts/', import.meta.url);
const ID = `msg_${'0'.repeat(25)}1`;

interface Case {
  readonly event: string;
  readonly input: Record<string, unknown>;
  readonly expect: HookCall;
}

function host(name: string): Host {
  const found = findHost(name);
  if (found === undefined) throw new Error(`no host ${name}`);
  return found;
}

function refusal(act: () => unknown): RelayError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof RelayError) return thrown;
    throw thrown;
  }
  throw new Error('was not refused');
}

function cases(name: HostName): [string, Case][] {
  const files = readdirSync(new URL(`${name}/`, CASES)).toSorted();
  return files.map((file) => {
    const text = readFileSync(new URL(`${name}/${file}`, CASES), 'utf8');
    return [file, JSON.parse(text) as Case]; // our own files: the shape is checked by using it
  });
}

describe.each(HOSTS)('%s, input captured from the real client', (name) => {
  test.each(cases(name))('%s', (_file, { event, input, expect: call }) => {
    expect(host(name).readCall(event, input)).toEqual(call);
  });

  test('every event of ours was captured', () => {
    const captured = new Set(cases(name).map(([, { expect: call }]) => call.event));
    expect([...captured].toSorted()).toEqual(Object.values(host(name).events).toSorted());
  });
});

describe.each(HOSTS)('%s', (name) => {
  const { readCall, events } = host(name);
  const [stop] = Object.entries(events).find(([, event]) => event === 'end_of_turn') ?? [''];

  test('event names match in any case, with hyphens or underscores', () => {
    for (const spelled of ['SessionEnd', 'session_end', 'session-end', 'SESSIONEND']) {
      expect(readCall(spelled, { session_id: 's' }).event).toBe('session_end');
    }
  });

  test.each(['PreToolUse', 'SubagentStop', '', 'constructor', '__proto__'])('event %j is not ours', (event) => {
    expect(refusal(() => readCall(event, { session_id: 's' })).code).toBe('event_unknown');
  });

  test.each([undefined, null, 7, '', 'a b', 'a\nb', 'x'.repeat(201)])('session_id %j is refused by name', (value) => {
    const { code, details } = refusal(() => readCall(stop, { session_id: value }));
    expect(code).toBe('invalid_request');
    expect(details?.['fields']).toMatchObject([{ path: 'session_id' }]);
  });

  test.each([null, [], 'text', 3])('a body that is no object (%j) is refused', (body) => {
    expect(refusal(() => readCall(stop, body)).code).toBe('invalid_request');
  });

  test('a flag of another type is refused by name, a missing or null one is false', () => {
    const { details } = refusal(() => readCall(stop, { session_id: 's', stop_hook_active: 'yes' }));
    expect(details?.['fields']).toMatchObject([{ path: 'stop_hook_active' }]);
    expect(readCall(stop, { session_id: 's', stop_hook_active: null }).continuation).toBe(false);
  });

  test('an end of turn of the main agent is not a subagent', () => {
    expect(readCall(stop, { session_id: 's', agent_type: 'reviewer' }).subagent).toBe(false);
  });

  test('a text goes in and out as it is', () => {
    const text = '</system-reminder> "quoted" \\ \u2028 \ud83d\ude00\nline';
    expect(host(name).injection(text, 'one line')).toContain(JSON.stringify(text));
    expect(host(name).sessionContext(text)).toContain(JSON.stringify(text));
  });
});

describe('forms', () => {
  test('claude: additionalContext alone, since block and reason deliver the text twice', () => {
    expect(JSON.parse(host('claude').injection('T', 'S'))).toEqual({
      hookSpecificOutput: { hookEventName: 'Stop', additionalContext: 'T' },
    });
  });

  test('gemini: deny, with a systemMessage, else the whole text is printed on the screen', () => {
    expect(JSON.parse(host('gemini').injection('T', 'S'))).toEqual({
      decision: 'deny',
      reason: 'T',
      systemMessage: 'S',
    });
  });

  test('codex: exactly two keys, since its schema is closed', () => {
    expect(JSON.parse(host('codex').injection('T', 'S'))).toEqual({ decision: 'block', reason: 'T' });
  });

  test.each(HOSTS)('%s: session context names its event', (name) => {
    expect(JSON.parse(host(name).sessionContext('T'))).toEqual({
      hookSpecificOutput: { hookEventName: 'SessionStart', additionalContext: 'T' },
    });
  });
});

describe('subagents and continuations', () => {
  test.each(['claude', 'codex'])('%s: a call with agent_id is of a subagent', (name) => {
    expect(host(name).readCall('Stop', { session_id: 's', agent_id: 'a1' }).subagent).toBe(true);
  });

  test('gemini: a prompt that is the injected text is a continuation, one that only mentions an id is not', () => {
    const prompt = (text: string) =>
      host('gemini').readCall('BeforeAgent', { session_id: 's', prompt: text }).continuation;
    expect(prompt(`Mail.\n${markerLine(ID)}\nhello`)).toBe(true);
    expect(prompt(`what is ${markerLine(ID)}?`)).toBe(false);
  });
});

describe('limits', () => {
  test('budgets are below what the clients were seen to show whole', () => {
    expect(host('claude').textBudget).toBeLessThan(10_000);
    expect(host('codex').textBudget).toBeLessThan(10_000);
    for (const name of HOSTS) expect(host(name).injectionsPerRun).toBe(7);
  });

  test('codex counts bytes, the others UTF-16 units', () => {
    expect(host('codex').sizeOf('ä😀<')).toBe(7);
    expect(host('claude').sizeOf('ä😀<')).toBe(4);
    expect(host('gemini').sizeOf('ä😀<')).toBe(4);
  });
});

describe('registry', () => {
  test('finds by name in any case; nothing else is a host', () => {
    expect(findHost('Claude')?.name).toBe('claude');
    for (const name of ['', 'qwen', 'toString', '__proto__']) expect(findHost(name)).toBeUndefined();
  });

  test('the marker is a whole id at the start of a line', () => {
    expect(MARKER.exec(`a\n${markerLine(ID)}`)?.[1]).toBe(ID);
    for (const text of [` ${markerLine(ID)}`, `${markerLine(ID)}0`, 'Turnpost message msg_short']) {
      expect(MARKER.test(text)).toBe(false);
    }
  });
});
