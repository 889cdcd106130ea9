/** install, uninstall and doctor as verbs: which agent a project becomes, and what is left behind when something fails. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { folderName } from '../../cli/project-agent.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';
import { type CliRun, runCli } from './run-cli.ts';

let relay: RelayInProcess;
let root = '';
let project = '';
let count = 0;
beforeAll(async () => {
  relay = await relayInProcess();
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'turnpost-install-')));
});
afterAll(async () => {
  await relay.close();
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  count += 1;
  project = path.join(root, `Project ${count}`);
  mkdirSync(project);
});

const here = () => ({ TURNPOST_DATA_DIR: relay.dataDir });
const run = (...args: string[]): Promise<CliRun> => runCli(args, { env: here(), cwd: project });
const settings = (client = 'claude', dir = project): { key: string; socket?: string; url?: string } =>
  JSON.parse(readFileSync(path.join(dir, `.${client}/hooks/turnpost/turnpost.json`), 'utf8'));
const agentCount = async (): Promise<number> => (await relay.admin.listAgents({ limit: 100 })).items.length;
const whoHas = async (key: string): Promise<string> => (await relay.admin.as({ key }).getAgent('me')).name;

test("on the relay's own machine: the agent is made, named after the folder, and reached by the socket", async () => {
  const done = await run('install', 'claude');
  expect(done).toMatchObject({ code: 0, stderr: '' });
  expect(done.stdout).toMatch(/^Agent project-1 is registered\.\nClaude Code\n/);
  expect(done.stdout).toContain('* Trust: ');
  expect(settings()).toEqual({ socket: relay.socketPath, key: expect.stringMatching(/^tp_agent_/) });
  expect(await whoHas(settings().key)).toBe('project-1');
  expect(done.stdout).not.toContain(settings().key);
});

test('a second install changes nothing and makes no agent and no key', async () => {
  await run('install', 'claude');
  const before = [settings().key, await agentCount()];
  const again = await run('--json', 'install', 'claude');
  expect(again.json()).toMatchObject({ key: 'found', changes: [], done: true });
  expect([settings().key, await agentCount()]).toEqual(before);
});

test('another client of the same project is the same agent', async () => {
  await run('install', 'claude');
  const other = await run('--json', 'install', 'gemini');
  expect(other.json()).toMatchObject({ key: 'found' });
  expect(settings('gemini').key).toBe(settings().key);
});

test('a project in a folder of the same name becomes an agent of its own', async () => {
  const twin = path.join(root, 'elsewhere', path.basename(project));
  mkdirSync(twin, { recursive: true });
  await run('install', 'claude');
  await runCli(['install', 'claude', '--dir', twin], { env: here() });
  const name = folderName(project);
  expect([await whoHas(settings().key), await whoHas(settings('claude', twin).key)]).toEqual([name, `${name}-2`]);
});

test('--agent takes an agent that is there, with a key of its own for this project', async () => {
  const { key } = await relay.agent('shared-agent');
  const done = await run('--json', 'install', 'codex', '--agent', 'shared-agent');
  expect(done.json()).toMatchObject({ key: 'new key', agent: 'shared-agent@turnpost.localhost' });
  expect(settings('codex').key).not.toBe(key);
  expect(await whoHas(settings('codex').key)).toBe('shared-agent');
});

test('a dead key is replaced; its agent is asked for by name', async () => {
  await run('install', 'claude');
  const old = settings().key;
  writeFileSync(
    path.join(project, '.claude/hooks/turnpost/turnpost.json'),
    JSON.stringify({ socket: relay.socketPath, key: 'tp_agent_dead' }),
  );
  const done = await run('install', 'claude', '--agent', folderName(project));
  expect(done.code).toBe(0);
  expect(settings().key).not.toBe('tp_agent_dead');
  expect(await whoHas(settings().key)).toBe(await whoHas(old));
});

test('from another machine: by URL, with a key that was given', async () => {
  const { key } = await relay.agent('far-away');
  const args = ['--json', 'install', 'claude', '--dir', project, '--relay', relay.httpUrl, '--key', key];
  const elsewhere = { TURNPOST_DATA_DIR: root };
  expect((await runCli(args, { env: elsewhere })).json()).toMatchObject({
    key: 'key given',
    agent: 'far-away@turnpost.localhost',
  });
  expect(settings()).toEqual({ url: relay.httpUrl, key });
  const without = await runCli(args.slice(0, -2), { env: elsewhere, cwd: project });
  expect(without.code).toBe(0); // the key of the earlier install
  rmSync(path.join(project, '.claude'), { recursive: true });
  const keyless = await runCli(args.slice(0, -2), { env: elsewhere });
  expect(keyless).toMatchObject({ code: 4, stderr: expect.stringContaining('--key') });
});

test('a key that is dead is found out before anything is written', async () => {
  const done = await run('install', 'claude', '--key', 'tp_agent_nobody');
  expect(done.code).toBe(4);
  expect(readdirSync(project)).toEqual([]);
});

test('--dry-run shows the change and makes neither file nor agent nor key', async () => {
  const before = await agentCount();
  const dry = await run('install', 'claude', '--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.stdout).toContain(`Agent ${folderName(project)} would be registered.`);
  expect(dry.stdout).toContain('new file');
  expect(dry.stdout).toContain('Nothing was changed');
  expect(readdirSync(project)).toEqual([]);
  expect(await agentCount()).toBe(before);
});

test('a settings file that cannot be changed costs neither agent nor key', async () => {
  const before = await agentCount();
  mkdirSync(path.join(project, '.claude'));
  writeFileSync(path.join(project, '.claude/settings.local.json'), '{ "hooks": ');
  const failed = await run('install', 'claude');
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('settings.local.json');
  expect(await agentCount()).toBe(before);
});

test('uninstall gives back what was there, and says that the agent stays', async () => {
  writeFileSync(path.join(project, 'CLAUDE.md'), '# Mine\n');
  await run('install', 'claude');
  const dry = await run('uninstall', 'claude', '--dry-run');
  expect(dry.stdout).toContain('remove');
  expect(existsSync(path.join(project, '.mcp.json'))).toBe(true);
  const done = await run('uninstall', 'claude');
  expect(done.stdout).toContain('The agent and its mail stay');
  expect(readdirSync(project)).toEqual(['CLAUDE.md']);
  expect(readFileSync(path.join(project, 'CLAUDE.md'), 'utf8')).toBe('# Mine\n');
});

test('doctor is content with an install, and fails with a way to mend when its key dies', async () => {
  await run('install', 'claude');
  const well = await run('doctor');
  expect(well.stdout).not.toContain('WRONG');
  expect(well.stdout).toMatch(/ok +claude: key: alive, project-\d+@turnpost\.localhost/);
  expect(well.code).toBe(0);
  await relay.admin.deleteAgent(folderName(project));
  const ill = await run('doctor');
  expect(ill.code).toBe(1);
  expect(ill.stdout).toMatch(/WRONG +claude: key: .*is dead \(unauthorized\)\n +-> .*turnpost install/);
});

test('doctor without a relay says how to start one, and without an install how to make it', async () => {
  const nowhere = await runCli(['doctor', '--dir', project], {
    env: { TURNPOST_DATA_DIR: root, TURNPOST_URL: 'http://127.0.0.1:9' },
  });
  expect(nowhere.code).toBe(1);
  expect(nowhere.stdout).toMatch(
    /WRONG +relay: does not answer at http:\/\/127\.0\.0\.1:9 .*\n +-> Start it: npm start/,
  );
  const bare = await run('--json', 'doctor');
  expect(bare.code).toBe(0);
  expect(bare.json()).toMatchObject({
    checks: expect.arrayContaining([expect.objectContaining({ name: 'project', warning: true })]),
  });
});

test('an unknown client, a folder that is not there', async () => {
  expect(await run('install', 'emacs')).toMatchObject({ code: 2, stderr: expect.stringContaining('claude') });
  expect(await run('install', 'claude', '--dir', '/nonexistent/x')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not a folder'),
  });
});

test.each([
  ['My Project!', 'my-project'],
  ['Ünïcode', 'unicode'],
  ['---', 'agent'],
  ['a'.repeat(60), 'a'.repeat(39)],
  ['日本', 'agent'],
])('the folder %s becomes the agent %s', (folder, name) => {
  expect(folderName(path.join('/home', folder))).toBe(name);
});
