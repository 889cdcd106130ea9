/** The three clients: where the program is, how it is started without a person, what its HOME and environment must hold. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostName } from '../../relay/types.ts';
import { claudeModel } from '../support/model-claude.ts';
import { codexModel } from '../support/model-codex.ts';
import { geminiModel } from '../support/model-gemini.ts';
import type { Dialect } from '../support/model-server.ts';

interface Place {
  readonly home: string;
  readonly project: string;
  /** Where the model is, on 127.0.0.1. */
  readonly port: number;
}

interface Client {
  readonly dialect: Dialect;
  /** Command and leading arguments; the last is a file that is there when the client is installed. */
  program(root: string): string[];
  /** Without a prompt: interactive. */
  args(more: readonly string[], prompt: string | undefined): string[];
  prepareHome(place: Place): void;
  env(place: Omit<Place, 'project'>): Record<string, string>;
}

const MODEL = 'claude-sonnet-4-5';

const claude: Client = {
  dialect: claudeModel,
  program: (root) => [join(root, 'claude/node_modules/.bin/claude')],
  args: (more, prompt) => [
    ...(prompt === undefined ? [] : ['-p', prompt, '--output-format', 'stream-json', '--verbose']),
    '--model',
    MODEL,
    ...more,
  ],
  prepareHome({ home, project }) {
    const trusted = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true };
    write(join(home, '.claude.json'), {
      hasCompletedOnboarding: true,
      lastOnboardingVersion: '2.1.328',
      theme: 'dark',
      customApiKeyResponses: { approved: ['sk-test'], rejected: [] },
      projects: { [project]: trusted },
    });
  },
  env: ({ port }) => ({
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
    ANTHROPIC_API_KEY: 'sk-test',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    IS_SANDBOX: '1', // else it will not run as root
  }),
};

const gemini: Client = {
  dialect: geminiModel,
  program: (root) => [process.execPath, join(root, 'gemini/node_modules/.bin/gemini')],
  args: (more, prompt) => [
    ...(prompt === undefined ? [] : ['-p', prompt, '--output-format', 'stream-json']),
    '--model',
    'gemini-2.5-flash',
    ...more,
  ],
  prepareHome({ home }) {
    write(join(home, '.gemini/settings.json'), {
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
      security: { auth: { selectedType: 'gemini-api-key' } },
    });
  },
  env: ({ port }) => ({
    GEMINI_API_KEY: 'test',
    GOOGLE_GEMINI_BASE_URL: `http://127.0.0.1:${port}`,
    GEMINI_CLI_TRUST_WORKSPACE: 'true',
    GEMINI_TELEMETRY_ENABLED: 'false',
  }),
};

const codex: Client = {
  dialect: codexModel,
  program: (root) => [join(root, 'codex/node_modules/.bin/codex')],
  // Hooks want a person's trust in the TUI; here a flag gives it.
  args: (more, prompt) => [
    ...(prompt === undefined ? [] : ['exec', '--json', '--skip-git-repo-check']),
    '--dangerously-bypass-hook-trust',
    ...more,
    ...(prompt === undefined ? [] : [prompt]),
  ],
  prepareHome({ home, project, port }) {
    mkdirSync(join(home, '.codex'), { recursive: true });
    writeFileSync(join(home, '.codex/config.toml'), codexConfig(project, port));
  },
  env: ({ home }) => ({ CODEX_HOME: join(home, '.codex'), TEST_KEY: 'sk-test' }),
};

const codexConfig = (project: string, port: number) => `model = "gpt-5"
model_provider = "test"
check_for_update_on_startup = false
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.test]
name = "test"
base_url = "http://127.0.0.1:${port}/v1"
wire_api = "responses"
env_key = "TEST_KEY"
supports_websockets = false
request_max_retries = 0
stream_max_retries = 0
[analytics]
enabled = false
[feedback]
enabled = false
[projects.${JSON.stringify(project)}]
trust_level = "trusted"
`;

function write(path: string, settings: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(settings));
}

export const CLIENTS: Record<HostName, Client> = { claude, gemini, codex };
