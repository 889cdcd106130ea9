/**
 * The real clients take what we install: their hook engines run our four hooks, and their models call our MCP server.
 * The package is a stand-in, so that nothing but the installed settings is tested here.
 */
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { applyPlan } from '../../cli/install/apply-plan.ts';
import { planInstall } from '../../cli/install/plan-install.ts';
import { planUninstall } from '../../cli/install/plan-uninstall.ts';
import { thisMachine } from '../../cli/install/setup.ts';
import { DUTIES } from '../../cli/install/types.ts';
import { isInstalled, runClient } from '../clients/run-client.ts';
import type { ToolCall } from '../support/model-server.ts';
import { installRequest, KEY } from './memory-machine.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'turnpost real ')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** An installed package whose hooks write down that they ran. */
function standInPackage(log: string): string {
  const packageRoot = join(root, 'package');
  mkdirSync(join(packageRoot, 'dist/cli'), { recursive: true });
  mkdirSync(join(packageRoot, 'hooks'), { recursive: true });
  cpSync(join(import.meta.dirname, '../../templates'), join(packageRoot, 'templates'), { recursive: true });
  copyFileSync(join(import.meta.dirname, 'stub-server.cjs'), join(packageRoot, 'dist/cli/turnpost.js'));
  for (const duty of DUTIES) {
    const line = `\`${duty} \${process.argv.slice(2).join(' ')}\\n\``;
    const hook = `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(log)}, ${line});\n`;
    writeFileSync(join(packageRoot, `hooks/${duty}.mjs`), hook);
  }
  return packageRoot;
}

const CASES: readonly (readonly ['claude' | 'gemini' | 'codex', ToolCall])[] = [
  ['claude', { name: 'mcp__turnpost__whoami' }],
  ['gemini', { name: 'mcp_turnpost_whoami' }],
  ['codex', { namespace: 'mcp__turnpost', name: 'whoami' }],
];

for (const [client, tool] of CASES) {
  test.skipIf(!isInstalled(client))(
    `${client} runs the installed hooks and calls the installed MCP server`,
    async () => {
      const log = join(root, `${client}.log`);
      const project = join(root, `a project of ${client}`);
      mkdirSync(project);
      const packageRoot = standInPackage(log);
      applyPlan(planInstall(installRequest({ client, dir: project, packageRoot }), thisMachine()));
      // Both of these are in the notes: without a person to ask, a client refuses tools that it would have to ask about.
      if (client === 'gemini') trustTools(join(project, '.gemini/settings.json'));

      const args = client === 'claude' ? ['--allowedTools', 'mcp__turnpost'] : [];
      const run = await runClient(client, {
        project,
        args,
        prompt: 'who am I',
        script: [{ text: 'asking', tools: [tool] }, 'done'],
      });

      const settings = join(project, `.${client}/hooks/turnpost/turnpost.json`);
      expect(run.requests.flatMap(({ texts }) => texts).join('\n')).toContain(
        `STARTED WITH mcp --settings ${settings}`,
      );
      const calls = readFileSync(log, 'utf8').trim().split('\n');
      expect([...new Set(calls)].sort()).toEqual(DUTIES.map((duty) => `${duty} ${client}`).sort());
      expect(planUninstall({ client, dir: project }).changes.length).toBeGreaterThan(0);
    },
  );
}

function trustTools(path: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace('"turnpost": {', '"turnpost": { "trust": true,'));
}

test.skipIf(!isInstalled('claude'))('claude calls the relay with the key after an install with --http', async () => {
  const project = join(root, 'http');
  mkdirSync(project);
  const packageRoot = standInPackage(join(root, 'http.log'));
  const socket = join(root, 'relay.sock');
  const seen: string[] = [];
  await using relay = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization}`);
    response.end();
  });
  relay.listen(socket);
  await once(relay, 'listening');
  applyPlan(planInstall(installRequest({ dir: project, packageRoot, http: true }), thisMachine()));
  await runClient('claude', { project, prompt: 'hello', forwards: { 8725: socket } });
  const routes = ['user-prompt-submit', 'stop', 'session-end'];
  expect(seen).toEqual(routes.map((route) => `/v1/hooks/claude/${route} Bearer ${KEY}`));
  expect(readFileSync(join(root, 'http.log'), 'utf8')).toBe('session-start claude\n');
});
