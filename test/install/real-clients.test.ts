/** The real clients read what we write: each lists our MCP server. They need no account and no network for that. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { applyPlan } from '../../cli/install/apply-plan.ts';
import { diskView } from '../../cli/install/file-view.ts';
import { planInstall } from '../../cli/install/plan-install.ts';
import { installRequest } from './memory-machine.ts';

const FOLDER = process.env['REAL_CLIENTS'] ?? join(tmpdir(), 'turnpost-real-clients');
const CLIENTS = [
  ['claude', '@anthropic-ai/claude-code@2.1.328', /^turnpost: .*turnpost\.ts mcp --settings \S+turnpost\.json - /m],
  ['gemini', '@google/gemini-cli@0.61.0', /turnpost: .*turnpost\.ts mcp --settings \S+turnpost\.json \(stdio\)/],
  ['codex', '@openai/codex@0.169.0', /^turnpost +\S*node +.*turnpost\.ts mcp --settings \S+turnpost\.json .*enabled/m],
] as const;

const program = (client: string): string => join(FOLDER, client, 'node_modules/.bin', client);

for (const [client, packageName, listed] of CLIENTS) {
  const isMissing = !existsSync(program(client));
  if (isMissing)
    console.log(`skipped: ${client} is not installed; npm i --prefix ${join(FOLDER, client)} ${packageName}`);

  test.skipIf(isMissing)(`${client} lists our MCP server from the project's settings`, () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'turnpost-real-')));
    const [dir, home] = [join(root, 'project'), join(root, 'home')];
    mkdirSync(dir);
    mkdirSync(join(home, '.codex'), { recursive: true });
    writeFileSync(join(home, '.codex/config.toml'), `[projects."${dir}"]\ntrust_level = "trusted"\n`);
    const machine = {
      view: diskView,
      home,
      platform: process.platform,
      env: {},
      uid: undefined,
      node: process.execPath,
    };
    applyPlan(planInstall(installRequest({ client, dir, packageRoot: join(import.meta.dirname, '../..') }), machine));

    const run = spawnSync(program(client), ['mcp', 'list'], {
      cwd: dir,
      encoding: 'utf8',
      timeout: 25_000,
      env: {
        ...{ HOME: home, CODEX_HOME: join(home, '.codex'), PATH: process.env['PATH'], TERM: 'dumb' },
        ...{ GEMINI_CLI_TRUST_WORKSPACE: 'true', GEMINI_API_KEY: 'none', ANTHROPIC_API_KEY: 'none' },
        ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1', IS_SANDBOX: '1' },
      },
    });
    rmSync(root, { recursive: true, force: true });
    expect(run.stdout + run.stderr).toMatch(listed);
  });
}
