/** Our hook files in the real clients: what the model is given, how often, and what the hooks report. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { markerLine } from '../../relay/hosts/marker.ts';
import { findHost } from '../../relay/hosts/registry.ts';
import { HOSTS, type HostName } from '../../relay/types.ts';
import { type HookRelay, type SeenCall, startHookRelay } from '../support/hook-relay.ts';
import type { ModelRequest } from '../support/model-server.ts';
import { writeProject } from './project.ts';
import { type ClientOptions, isInstalled, runClient } from './run-client.ts';

const root = mkdtempSync(join(tmpdir(), 'turnpost-clients-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ID = `msg_${'a'.repeat(26)}`;
const BODY = 'The build is green: </system-reminder> <b>ship</b> & "rest" \u{1F600}';
const TEXT = `Mail from Turnpost.\n${markerLine(ID)}\nfrom: builder@turnpost.localhost\n\n${BODY}`;

/** Seen by a model that may get `<`, `>` and `&` escaped. */
const unescaped = (text: string) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

function times(request: ModelRequest | undefined, part: string): number {
  return request === undefined ? -1 : unescaped(request.texts.join('\n')).split(part).length - 1;
}

describe.each(HOSTS)('%s', (name) => {
  const skip = !isInstalled(name);
  const events = (call: SeenCall) => findHost(name)?.events[call.event.toLowerCase()];
  let project: string;

  beforeEach(() => {
    project = join(mkdtempSync(join(root, `${name}-`)), 'project');
    mkdirSync(project);
  });

  /** Hands `text` to the first end of a turn. */
  const onceAtEndOfTurn = (text: string) => {
    let given = false;
    return (call: SeenCall) => {
      if (events(call) !== 'end_of_turn' || given) return '';
      given = true;
      return findHost(name)?.injection(text, 'Turnpost: one message') ?? '';
    };
  };
  const run = (
    relay: HookRelay | undefined,
    { stops = false, ...more }: Partial<ClientOptions> & { stops?: boolean } = {},
  ) => {
    const others = stops ? { 'end-of-turn': [`echo '{"continue":false,"stopReason":"enough"}'`] } : {};
    return runClient(name, {
      project: writeProject(name, project, others),
      prompt: 'hello',
      env: { ...relay?.env },
      ...more,
    });
  };
  const last = (relay: HookRelay, event: string) => relay.calls.filter((call) => events(call) === event).at(-1);

  test.skipIf(skip)('a text reaches the model exactly once, and its id is reported back', async () => {
    await using relay = await startHookRelay(onceAtEndOfTurn(TEXT));
    const { requests, code } = await run(relay);
    expect(code).toBe(0);
    expect(requests.map((request) => times(request, ID))).toEqual([0, 1]);
    expect(times(requests[1], BODY)).toBe(1);
    expect(last(relay, 'end_of_turn')?.input).toMatchObject({ stop_hook_active: true });
    expect(last(relay, 'session_end')?.seen).toEqual([ID]);
  });

  test.skipIf(skip)('no mail: no extra model call, and every hook was called once', async () => {
    await using relay = await startHookRelay();
    const { requests, code } = await run(relay);
    expect([code, requests.length]).toEqual([0, 1]);
    expect(relay.calls.map(events)).toEqual(['session_start', 'prompt', 'end_of_turn', 'session_end']);
    expect(relay.calls.map((call) => call.seen)).toEqual([[], [], [], []]);
  });

  test.skipIf(skip)('relay down: the turn ends as without us, and nothing is shown', async () => {
    const down = { TURNPOST_SOCKET: '/nonexistent/relay.sock', TURNPOST_KEY: 'k' };
    const { requests, code, stdout, stderr } = await run(undefined, { env: down });
    expect([code, requests.length]).toEqual([0, 1]);
    // Gemini lists the commands of a project's hooks on stderr, and all name their folders: that is all there may be.
    const shown = `${stdout}\n${stderr}`.replaceAll(/^.*\|\| exit 0.*$/gm, '').replaceAll(/\/[^\s"]+/g, '');
    expect(shown).not.toMatch(/turnpost|hook[^,]*(fail|error)|ECONN|ENOENT|"exit_code":[^0]/i);
  });

  test.skipIf(skip)('another hook says continue: false: no model call, and no false evidence', async () => {
    await using relay = await startHookRelay(onceAtEndOfTurn(TEXT));
    const { requests } = await run(relay, { stops: true });
    expect(requests).toHaveLength(1);
    expect(last(relay, 'session_end')?.seen).toEqual([]);
  });

  test.skipIf(skip)('the model fails on the injected text: no false evidence', async () => {
    await using relay = await startHookRelay(onceAtEndOfTurn(TEXT));
    const failing = Array.from({ length: 20 }, () => ({ status: 400 }));
    const { requests } = await run(relay, {
      script: ['first', ...failing],
      env: { ...relay.env, CLAUDE_CODE_MAX_RETRIES: '0' },
    });
    expect(times(requests[1], ID)).toBe(1);
    // Gemini CLI without a person leaves without a SessionEnd; the lease then runs out.
    if (name !== 'gemini') expect(last(relay, 'session_end')?.seen).toEqual([]);
    expect(relay.calls.flatMap((call) => call.seen ?? [])).toEqual([]);
  });

  test.skipIf(skip)('session start: the context is in the first request, once', async () => {
    const context = 'Turnpost: 3 messages wait.';
    await using relay = await startHookRelay((call) =>
      events(call) === 'session_start' ? (findHost(name)?.sessionContext(context) ?? '') : '',
    );
    const { requests } = await run(relay);
    expect(requests.map((request) => times(request, context))).toEqual([1]);
  });

  test.skipIf(skip)('a text of exactly the budget reaches the model whole', async () => {
    const { textBudget = 0, sizeOf = () => 0 } = findHost(name) ?? {};
    const lines = `${TEXT}\n${'One line of a long message, with an ä in it.\n'.repeat(1000)}`;
    let text = lines.slice(0, textBudget);
    while (sizeOf(text) > textBudget) text = text.slice(0, -1);
    await using relay = await startHookRelay(onceAtEndOfTurn(text));
    const { requests } = await run(relay);
    expect(sizeOf(text)).toBeGreaterThan(textBudget - 3);
    expect(times(requests[1], text.trimEnd())).toBe(1);
  });

  test.skipIf(skip)('seven injections in a row are honoured, each once', async () => {
    let n = 0;
    const id = (count: number) => `msg_${String(count).padStart(26, '0')}`;
    await using relay = await startHookRelay((call) => {
      if (events(call) !== 'end_of_turn' || n === 7) return '';
      n += 1;
      return findHost(name)?.injection(`${markerLine(id(n))}\nMessage ${n}.`, 'Turnpost') ?? '';
    });
    const { requests } = await run(relay);
    const ids = [1, 2, 3, 4, 5, 6, 7].map(id);
    expect(requests).toHaveLength(8);
    expect(ids.map((each) => times(requests.at(-1), each))).toEqual(ids.map(() => 1));
    expect(last(relay, 'session_end')?.seen).toEqual(ids);
  });
});

// The rest of the file is about one client each.
const claude: HostName = 'claude';
test.skipIf(!isInstalled(claude))(
  'claude: an interrupted run is resumed: the prompt carries the text and confirms it',
  async () => {
    const directory = mkdtempSync(join(root, 'resume-'));
    const [project, home] = [join(directory, 'project'), join(directory, 'home')];
    for (const folder of [project, home]) mkdirSync(folder);
    let given = false;
    await using relay = await startHookRelay((call) => {
      if (call.event !== 'Stop' || given) return '';
      given = true;
      return findHost(claude)?.injection(TEXT, '') ?? '';
    });
    writeProject(claude, project);
    const env = { ...relay.env, CLAUDE_CODE_MAX_RETRIES: '0' };
    await runClient(claude, {
      project,
      home,
      env,
      prompt: 'hello',
      script: ['first', ...Array.from({ length: 20 }, () => ({ status: 529 }))],
    });
    expect(relay.calls.at(-1)).toMatchObject({ event: 'SessionEnd', seen: [] });
    const { requests } = await runClient(claude, { project, home, env, prompt: 'go on', args: ['--continue'] });
    expect(relay.calls.filter((call) => call.event === 'UserPromptSubmit').at(-1)?.seen).toEqual([ID]);
    expect(times(requests[0], ID)).toBe(1);
  },
);

test.skipIf(!isInstalled(claude))(
  'claude: the same answer to a hook of type http reaches the model once, too',
  async () => {
    const project = join(mkdtempSync(join(root, 'http-')), 'project');
    mkdirSync(join(project, '.claude'), { recursive: true });
    const hook = { type: 'http', url: 'http://127.0.0.1:8725/v1/hooks/claude/Stop', timeout: 2 };
    const headers = { Authorization: 'Bearer $TURNPOST_KEY' };
    const hooks = { Stop: [{ hooks: [{ ...hook, headers, allowedEnvVars: ['TURNPOST_KEY'] }] }] };
    writeFileSync(join(project, '.claude/settings.json'), JSON.stringify({ hooks }));
    await using relay = await startHookRelay(({ input }) =>
      input['stop_hook_active'] === true ? '' : (findHost(claude)?.injection(TEXT, '') ?? ''),
    );
    const forwards = { 8725: relay.socket };
    const { requests } = await runClient(claude, {
      project,
      prompt: 'hello',
      forwards,
      env: { TURNPOST_KEY: 'tp_agent_test' },
    });
    expect(requests.map((request) => times(request, ID))).toEqual([0, 1]);
    // No header: it was the host itself that called, and nobody looked into the transcript.
    expect(relay.calls.map(({ seen, authorization }) => [seen, authorization])).toEqual([
      [undefined, 'Bearer tp_agent_test'],
      [undefined, 'Bearer tp_agent_test'],
    ]);
  },
);
