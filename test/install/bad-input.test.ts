/** What a person has broken is named with its place and its remedy, and nothing is written. */
import { expect, test } from 'vitest';
import { planInstall } from '../../cli/install/plan-install.ts';
import { planUninstall } from '../../cli/install/plan-uninstall.ts';
import { renderPlan } from '../../cli/install/render-plan.ts';
import type { InstallRequest } from '../../cli/install/types.ts';
import { installRequest, KEY, memoryMachine, PACKAGE, PROJECT } from './memory-machine.ts';

const BROKEN = [
  ['claude', '.claude/settings.local.json', '{\n  "hooks": {\n', ':3:1: this is not valid JSON'],
  ['claude', '.mcp.json', '{"mcpServers": {"a" 1}}', ':1:21: this is not valid JSON (ColonExpected)'],
  ['claude', '.mcp.json', '[]', 'should be a JSON object'],
  ['claude', '.mcp.json', '{"mcpServers": []}', '"mcpServers" should be an object'],
  ['claude', '.mcp.json', '{"mcpServers": {},\n "mcpServers": {}}', ':2:2: "mcpServers" stands here a second time'],
  ['gemini', '.gemini/settings.json', '{"hooks": {"AfterAgent": {}}}', '"hooks.AfterAgent" should be a list'],
  ['gemini', '.gemini/settings.json', '{"hooks": null}', '"hooks" should be an object'],
  ['codex', '.codex/config.toml', 'model = "a"\nmodel = "b"\n', ':2:1: this is not valid TOML (Value already defined'],
  ['codex', '.codex/config.toml', 'mcp_servers = 1\n', '"mcp_servers" should be a table'],
  ['codex', 'AGENTS.md', '# A\n<!-- turnpost:begin -->\n', 'AGENTS.md:2: "<!-- turnpost:begin -->" has no'],
] as const;

test.each(BROKEN)('%s %s %j', (client, file, text, message) => {
  const { disk, machine } = memoryMachine();
  disk.write(`${PROJECT}/${file}`, text);
  expect(() => planInstall(installRequest({ client }), machine)).toThrow(message);
  expect(() => planInstall(installRequest({ client }), machine)).toThrow(/Nothing was written.*run the command again/);
});

const REQUESTS: readonly (readonly [string, Partial<InstallRequest>, RegExp])[] = [
  ['no such folder', { dir: '/home/you/nowhere' }, /nowhere is not a folder/],
  ['no relay', { relay: {} }, /Say where the relay is/],
  ['http hooks for another client', { client: 'codex', http: true }, /--http is for Claude Code only/],
  ['http hooks over a socket', { http: true, relay: { socket: '/run/relay.sock' } }, /--http needs the URL/],
  ['an empty key', { key: '' }, /The key is empty/],
  ['a package that is not whole', { packageRoot: '/opt/nothing' }, /neither a checkout with its packages nor a built/],
];

test.each(REQUESTS)('%s', (_, request, message) => {
  expect(() => planInstall(installRequest(request), memoryMachine().machine)).toThrow(message);
});

test('a package without its hooks says so', () => {
  const { disk, machine } = memoryMachine();
  disk.files.delete(`${PACKAGE}/hooks/prompt.mjs`);
  expect(() => planInstall(installRequest(), machine)).toThrow(/prompt\.mjs is missing: this package is not whole/);
});

test('uninstall where nothing is installed changes nothing', () => {
  const { disk, machine } = memoryMachine();
  disk.write(`${PROJECT}/.mcp.json`, '{"mcpServers": {"turnpost": {"command": "written-by-hand"}}}');
  disk.write(`${PROJECT}/.claude/settings.local.json`, '{"env": {"TURNPOST_KEY": "by hand"}}');
  expect(planUninstall({ client: 'claude', dir: PROJECT }, machine).changes).toEqual([]);
});

test('a server that the person had under our name comes back, also after other edits', () => {
  const { disk, machine } = memoryMachine();
  const path = `${PROJECT}/.mcp.json`;
  disk.write(path, '{"mcpServers": {"turnpost": {"command": "written-by-hand", "cwd": "/srv"}}}');
  disk.carryOut(planInstall(installRequest(), machine));
  disk.write(path, (disk.read(path)?.text ?? '').replace('{', '{"mine": 1,'));
  disk.carryOut(planUninstall({ client: 'claude', dir: PROJECT }, machine));
  expect(JSON.parse(disk.read(path)?.text ?? '')).toEqual({
    mine: 1,
    mcpServers: { turnpost: { command: 'written-by-hand', cwd: '/srv' } },
  });
});

test('what the person added to our server entry survives a second install', () => {
  const { disk, machine } = memoryMachine();
  const path = `${PROJECT}/.gemini/settings.json`;
  const request = installRequest({ client: 'gemini' });
  disk.carryOut(planInstall(request, machine));
  disk.write(path, (disk.read(path)?.text ?? '').replace('"turnpost": {', '"turnpost": { "trust": true,'));
  disk.carryOut(planInstall(request, { ...machine, node: '/usr/local/bin/node' }));
  expect(disk.read(path)?.text).toContain('"trust": true');
  expect(disk.read(path)?.text).not.toContain('/usr/bin/node');
});

test('a dry run shows every file and no secret, neither ours nor the person’s', () => {
  const { disk, machine } = memoryMachine();
  const text = '{\n  "env": {\n    "SOME_API_KEY": "sk-mine",\n    "A": "b"\n  },\n  "note": "x"\n}\n';
  disk.write(`${PROJECT}/.claude/settings.local.json`, text);
  const shown = renderPlan(planInstall(installRequest({ http: true }), machine));
  expect(shown).not.toContain(KEY);
  expect(shown).not.toContain('sk-mine');
  expect(shown).toContain('change .claude/settings.local.json (mode 0600)\n@@ line 1 @@\n');
  expect(shown).toContain('+    "TURNPOST_KEY": "********"\n');
  expect(shown).toContain('     "SOME_API_KEY": "********",\n');
  expect(shown).toContain('new file .claude/hooks/turnpost/end-of-turn.mjs\n');
  expect(shown).toContain('Bearer $TURNPOST_KEY');
});
