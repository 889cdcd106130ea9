/** What a person does in Claude Code while mail comes in: our hooks must neither lose nor wrongly confirm it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { claude } from '../../relay/hosts/claude.ts';
import { markerLine } from '../../relay/hosts/marker.ts';
import { type HookRelay, startHookRelay } from '../support/hook-relay.ts';
import type { Turn } from '../support/model-server.ts';
import { writeProject } from './project.ts';
import { isInstalled } from './run-client.ts';
import { hasTmux, startClaudeTerminal } from './terminal.ts';

const root = mkdtempSync(join(tmpdir(), 'turnpost-claude-terminal-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const skip = !isInstalled('claude') || !hasTmux();
const ID = `msg_${'b'.repeat(26)}`;
const WAIT = { timeout: 20_000, interval: 50 };

/** A relay that hands one message to the first end of a turn. */
function relayWithMail(): Promise<HookRelay> {
  let given = false;
  return startHookRelay(({ event }) => {
    if (event !== 'Stop' || given) return '';
    given = true;
    return claude.injection(`${markerLine(ID)}\nThe build is green.`, '');
  });
}

async function start(relay: HookRelay, script: readonly Turn[]) {
  const project = join(mkdtempSync(join(root, 'run-')), 'project');
  mkdirSync(project);
  const terminal = await startClaudeTerminal({ project: writeProject('claude', project), script, env: relay.env });
  const called = (event: string, times: number) =>
    vi.waitFor(() => {
      const calls = relay.calls.filter((call) => call.event === event);
      if (calls.length < times) throw new Error(`${event}: ${calls.length} calls\n${terminal.screen()}`);
      return calls[times - 1];
    }, WAIT);
  return { terminal, called };
}

/** A turn that never ends by itself. */
const ENDLESS: Turn = { text: 'late', after: new Promise(() => undefined) };

test.skipIf(skip)('Esc during the injected turn: the next prompt carries the text and confirms it', async () => {
  await using relay = await relayWithMail();
  const { terminal, called } = await start(relay, ['first', ENDLESS, 'third']);
  await using _ = terminal;
  terminal.type('hello');
  await vi.waitFor(() => expect(terminal.requests).toHaveLength(2), WAIT);
  await terminal.shows(/esc to interrupt|…/);
  terminal.press('Escape');
  await terminal.shows(/Interrupted/i);
  terminal.type('go on');
  expect((await called('UserPromptSubmit', 2))?.seen).toEqual([ID]);
  await vi.waitFor(() => expect(terminal.requests).toHaveLength(3), WAIT);
  expect(terminal.requests[2]?.texts.join('\n').split(ID)).toHaveLength(2);
});

test.skipIf(skip)('/clear during the injected turn: the session ends without proof and another begins', async () => {
  await using relay = await relayWithMail();
  const { terminal, called } = await start(relay, ['first', ENDLESS, 'third']);
  await using _ = terminal;
  terminal.type('hello');
  await vi.waitFor(() => expect(terminal.requests).toHaveLength(2), WAIT);
  terminal.press('Escape');
  await terminal.shows(/Interrupted/i);
  terminal.type('/clear');
  const ended = await called('SessionEnd', 1);
  expect(ended).toMatchObject({ seen: [], input: { reason: 'clear' } });
  const started = await called('SessionStart', 2);
  expect(started?.input['session_id']).not.toBe(ended?.input['session_id']);
  expect(relay.calls.flatMap((call) => call.seen ?? [])).toEqual([]);
});

test.skipIf(skip)('/exit right after the injected turn: the session end has the proof', async () => {
  await using relay = await relayWithMail();
  const { terminal, called } = await start(relay, ['first', 'second']);
  await using _ = terminal;
  terminal.type('hello');
  await called('Stop', 2);
  terminal.type('/exit');
  expect((await called('SessionEnd', 1))?.seen).toEqual([ID]);
});
