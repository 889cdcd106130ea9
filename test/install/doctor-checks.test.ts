/** Each thing that can be wrong with an installation turns exactly its own row red. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type DoctorRequest, doctorChecks } from '../../cli/install/doctor-checks.ts';
import { planInstall } from '../../cli/install/plan-install.ts';
import type { ClientName, Machine } from '../../cli/install/types.ts';
import { installRequest, type MemoryDisk, memoryMachine, PACKAGE, PROJECT } from './memory-machine.ts';

const SOCKET = '/home/you/.local/share/turnpost/relay.sock';

function installed(client: ClientName): { disk: MemoryDisk; machine: Machine; request: DoctorRequest } {
  const { disk, machine } = memoryMachine();
  disk.write('/usr/bin/node', '');
  disk.carryOut(planInstall(installRequest({ client, relay: { socket: SOCKET } }), machine));
  return { disk, machine, request: { client, dir: PROJECT, packageRoot: PACKAGE } };
}

function wrongRows({ machine, request }: ReturnType<typeof installed>): string[] {
  const rows = doctorChecks(request, machine);
  for (const { ok, warning, fix } of rows) expect(fix !== '').toBe(!ok || warning);
  return rows.filter(({ ok, warning }) => !ok || warning).map(({ name }) => name);
}

test.each(['claude', 'gemini', 'codex', 'cursor', 'windsurf', 'vscode', 'opencode', 'claude-desktop'] as const)(
  '%s: nothing is wrong after an install',
  (client) => expect(wrongRows(installed(client))).toEqual([]),
);

test('not installed is the only row then', () => {
  const { machine } = memoryMachine();
  const rows = doctorChecks({ client: 'claude', dir: PROJECT, packageRoot: PACKAGE }, machine);
  expect(rows).toMatchObject([
    { name: 'installed', ok: false, fix: `Run "turnpost install claude --dir ${PROJECT}".` },
  ]);
});

type Break = (place: ReturnType<typeof installed>) => void;
const folder = join(PROJECT, '.claude/hooks/turnpost');
const local = join(PROJECT, '.claude/settings.local.json');

function edit(path: string, from: string, to: string): Break {
  return ({ disk }) => {
    const text = disk.read(path)?.text ?? '';
    expect(text).toContain(from);
    disk.write(path, text.replaceAll(from, to), disk.read(path)?.mode);
  };
}

const CASES: readonly (readonly [string, string[], Break])[] = [
  ['no key', ['settings'], edit(join(folder, 'turnpost.json'), '"key"', '"clef"')],
  [
    'others may read the key',
    ['settings'],
    ({ disk }) => disk.write(join(folder, 'turnpost.json'), `{"url":"u","key":"k"}`, 0o644),
  ],
  ['the key is in git', ['git'], ({ disk }) => disk.tracked.add(join(folder, 'turnpost.json'))],
  ['an older hook', ['hook files'], ({ disk }) => disk.write(join(PACKAGE, 'hooks/prompt.mjs'), '// newer')],
  ['a hook is gone', ['hook files'], ({ disk }) => void disk.files.delete(join(folder, 'prompt.mjs'))],
  ['an event without us', ['hook entries'], edit(local, '"UserPromptSubmit"', '"Notification"')],
  ['the project was moved', ['hook entries'], edit(local, PROJECT, '/home/you/elsewhere')],
  ['settings do not parse', ['hook entries'], edit(local, '"hooks"', 'hooks"')],
  ['no MCP server', ['mcp server'], ({ disk }) => void disk.files.delete(join(PROJECT, '.mcp.json'))],
  ['node is gone', ['node'], ({ disk }) => void disk.files.delete('/usr/bin/node')],
  [
    'installed for the user as well',
    ['installed once'],
    ({ disk }) => disk.write('/home/you/.claude/settings.json', disk.read(local)?.text ?? ''),
  ],
  [
    'hooks off',
    ['hooks enabled'],
    ({ disk }) => disk.write('/home/you/.claude/settings.json', '{"disableAllHooks": true}'),
  ],
  [
    'a low cap',
    ['stop cap'],
    ({ disk }) => disk.write('/home/you/.claude/settings.json', '{"env": {"CLAUDE_CODE_STOP_HOOK_BLOCK_CAP": "3"}}'),
  ],
  [
    'no cap at all',
    [],
    ({ disk }) => disk.write('/home/you/.claude/settings.json', '{"env": {"CLAUDE_CODE_STOP_HOOK_BLOCK_CAP": "0"}}'),
  ],
  ["the relay's own user", ['separate user'], ({ disk }) => disk.write(SOCKET, '')],
];

describe('claude', () => {
  test.each(CASES)('%s', (_, rows, breakIt) => {
    const place = installed('claude');
    breakIt(place);
    expect(wrongRows(place)).toEqual(rows);
  });
});

test('a cap in the environment counts too', () => {
  const place = installed('claude');
  const machine = { ...place.machine, env: { CLAUDE_CODE_STOP_HOOK_BLOCK_CAP: '2' } };
  expect(wrongRows({ ...place, machine })).toEqual(['stop cap']);
});

test.each([
  ['gemini', join(PROJECT, '.gemini/settings.json'), '"hooks":', '"hooksConfig": {"enabled": false}, "hooks":'],
  [
    'codex',
    join(PROJECT, '.codex/config.toml'),
    '[mcp_servers.turnpost]',
    '[features]\nhooks = false\n[mcp_servers.turnpost]',
  ],
] as const)('%s: hooks turned off', (client, path, from, to) => {
  const place = installed(client);
  edit(path, from, to)(place);
  expect(wrongRows(place)).toEqual(['hooks enabled']);
});
