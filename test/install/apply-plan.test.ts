/** Plans on a real disk: atomic, all or nothing, links and modes respected. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyPlan } from '../../cli/install/apply-plan.ts';
import { diskView } from '../../cli/install/file-view.ts';
import { planInstall } from '../../cli/install/plan-install.ts';
import { planUninstall } from '../../cli/install/plan-uninstall.ts';
import type { ClientName, InstallRequest, Machine, Plan } from '../../cli/install/types.ts';
import { installRequest, KEY } from './memory-machine.ts';

const PACKAGE_ROOT = join(import.meta.dirname, '../..');

let root: string;
let dir: string;
let machine: Machine;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'turnpost install ')); // paths with blanks must work
  dir = join(root, 'project');
  mkdirSync(dir);
  const home = join(root, 'home');
  machine = { view: diskView, home, platform: 'linux', env: {}, uid: process.getuid?.(), node: process.execPath };
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const install = (client: ClientName, more: Partial<InstallRequest> = {}): Plan =>
  planInstall(installRequest({ client, dir, packageRoot: PACKAGE_ROOT, ...more }), machine);
const uninstall = (client: ClientName): Plan => planUninstall({ client, dir }, machine);
const git = (...args: string[]): string => spawnSync('git', args, { cwd: dir, encoding: 'utf8' }).stdout;

/** Paths, modes and texts of everything under the test's folder. */
function tree(): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => !path.includes('.git/'));
  return Object.fromEntries(
    entries.sort().map((path) => {
      const stat = lstatSync(join(root, path));
      return [path, `${stat.mode.toString(8)} ${stat.isFile() ? readFileSync(join(root, path), 'utf8') : ''}`];
    }),
  );
}

test('claude, gemini and codex into one project and out again leave nothing behind', () => {
  writeFileSync(join(dir, 'CLAUDE.md'), '# Mine');
  const before = tree();
  for (const client of ['claude', 'gemini', 'codex'] as const) applyPlan(install(client));
  expect(statSync(join(dir, '.claude/hooks/turnpost/turnpost.json')).mode & 0o777).toBe(0o600);
  expect(statSync(join(dir, '.claude/hooks/turnpost')).mode & 0o777).toBe(0o700);
  for (const client of ['claude', 'gemini', 'codex'] as const) {
    expect(install(client).changes).toEqual([]);
    applyPlan(uninstall(client));
  }
  expect(tree()).toEqual(before);
});

test('the key is in no file that git sees, with command hooks and with http hooks', () => {
  git('init', '-q');
  for (const http of [false, true]) {
    applyPlan(install('claude', { http }));
    git('add', '--all');
    expect(git('ls-files').split('\n')).toContain('.mcp.json');
    expect(git('grep', '--cached', '-l', KEY)).toBe('');
    git('rm', '-r', '-q', '--cached', '.');
  }
});

test('a settings file that git tracks is refused for --http', () => {
  git('init', '-q');
  mkdirSync(join(dir, '.claude'));
  writeFileSync(join(dir, '.claude/settings.local.json'), '{}\n');
  git('add', '-f', '.claude/settings.local.json');
  expect(() => install('claude', { http: true })).toThrow(/settings\.local\.json is tracked by git.*git rm --cached/);
});

test('http hooks tighten the mode of the settings file, and uninstall gives it back', () => {
  mkdirSync(join(dir, '.claude'));
  const file = join(dir, '.claude/settings.local.json');
  writeFileSync(file, '{ "env": {} }', { mode: 0o644 });
  const before = tree();
  applyPlan(install('claude', { http: true }));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  applyPlan(uninstall('claude'));
  expect(tree()).toEqual(before);
});

test('a symbolic link stays a link, and what it leads to is changed', () => {
  writeFileSync(join(dir, 'AGENTS.md'), '# Shared\n');
  symlinkSync('AGENTS.md', join(dir, 'CLAUDE.md'));
  const before = tree();
  applyPlan(install('claude'));
  applyPlan(install('codex'));
  expect(lstatSync(join(dir, 'CLAUDE.md')).isSymbolicLink()).toBe(true);
  const shared = readFileSync(join(dir, 'AGENTS.md'), 'utf8');
  expect(shared.match(/^## .*$/gm)).toEqual(['## Turnpost in Claude Code', '## Turnpost in Codex CLI']);
  applyPlan(uninstall('claude'));
  expect(readFileSync(join(dir, 'AGENTS.md'), 'utf8')).toContain('Turnpost in Codex CLI');
  applyPlan(uninstall('codex'));
  expect(tree()).toEqual(before);
});

test('a read-only file stops the whole plan before anything is written', () => {
  writeFileSync(join(dir, 'CLAUDE.md'), '# Mine\n');
  chmodSync(join(dir, 'CLAUDE.md'), 0o444);
  const before = tree();
  expect(() => applyPlan(install('claude'))).toThrow(/CLAUDE\.md is read-only.*Nothing was written.*chmod u\+w/);
  expect(tree()).toEqual(before);
});

test('a file that changed after the plan was made stops it', () => {
  const plan = install('claude');
  writeFileSync(join(dir, 'CLAUDE.md'), '# Written meanwhile\n');
  const before = tree();
  expect(() => applyPlan(plan)).toThrow(/CLAUDE\.md changed while this command ran/);
  expect(tree()).toEqual(before);
});

test('when a later step fails, the files already changed get their former text back', () => {
  writeFileSync(join(dir, 'CLAUDE.md'), '# Mine\n');
  const before = tree();
  const plan = install('claude');
  const impossible = join(dir, 'x'.repeat(250)); // no room in the name for a temporary file beside it
  const change = { path: impossible, before: null, after: '{}', mode: null, copied: false };
  expect(() => applyPlan({ ...plan, changes: [...plan.changes, change] })).toThrow(
    /Writing failed.*Nothing was changed/,
  );
  expect(tree()).toEqual(before);
});

test('uninstall keeps a folder in which the person put something', () => {
  applyPlan(install('claude'));
  writeFileSync(join(dir, '.claude/notes.md'), 'mine');
  applyPlan(uninstall('claude'));
  expect(readdirSync(join(dir, '.claude'))).toEqual(['notes.md']);
  expect(existsSync(join(dir, '.mcp.json'))).toBe(false);
});

test('the installed hook command runs from a path with blanks and quotes, is silent and succeeds', () => {
  const awkward = join(root, `it's a "project" $HOME`);
  mkdirSync(awkward);
  applyPlan(install('gemini', { dir: awkward, relay: { url: 'http://127.0.0.1:9' } }));
  const settings: unknown = JSON.parse(readFileSync(join(awkward, '.gemini/settings.json'), 'utf8'));
  const commands = JSON.stringify(settings).match(/"command":"'(?:\\.|[^"\\])*"/g) ?? [];
  expect(commands).toHaveLength(4);
  for (const command of commands) {
    const line = String(JSON.parse(command.slice('"command":'.length)));
    const run = spawnSync('sh', ['-c', line], { input: '{}', encoding: 'utf8', env: { PATH: process.env['PATH'] } });
    expect({ status: run.status, out: run.stdout, err: run.stderr }).toEqual({ status: 0, out: '', err: '' });
  }
});

test('the hook command succeeds, and prints nothing on stdout, when node is gone', () => {
  machine = { ...machine, node: join(root, 'no-such-node') };
  applyPlan(install('gemini'));
  const line = /"command": "('.*end-of-turn\.mjs' gemini \|\| exit 0)"/.exec(
    readFileSync(join(dir, '.gemini/settings.json'), 'utf8'),
  )?.[1];
  const run = spawnSync('sh', ['-c', line ?? 'exit 9'], { input: '{}', encoding: 'utf8' });
  expect([run.status, run.stdout]).toEqual([0, '']);
});
