/**
 * The real Claude Code in a terminal (tmux with a server of its own), driven by keys, for what only a person does: Esc,
 * /clear, typing while it works. Same model, namespace and environment as in run-client.ts.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { type Model, type ModelRequest, startModel } from '../support/model-server.ts';
import { CLIENTS } from './clients.ts';
import { type ClientOptions, prepareClient } from './run-client.ts';

export interface Terminal extends AsyncDisposable {
  /** The model requests so far that are turns. */
  readonly requests: readonly ModelRequest[];
  /** Types the text and Enter. */
  type(text: string): void;
  /** Keys by tmux's names: `Escape`, `C-c`. */
  press(...keys: readonly string[]): void;
  /** What stands on the screen. */
  screen(): string;
  /** Until the screen shows it. */
  shows(pattern: RegExp): Promise<void>;
}

export function hasTmux(): boolean {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stderr.write('skipped: tmux is not installed; run apt-get install tmux\n');
    return false;
  }
}

/** How long the client may take to show something. */
const WAIT = { timeout: 20_000, interval: 50 };

export async function startClaudeTerminal(options: Omit<ClientOptions, 'prompt'>): Promise<Terminal> {
  const place = mkdtempSync(join(tmpdir(), 'turnpost-terminal-'));
  const { argv, env: base, model } = await prepareClient('claude', options, place);
  const env = { ...base, TERM: 'xterm-256color' };
  const served = await startModel(CLIENTS.claude.dialect, options.script ?? [], model);
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-S', join(place, 'tmux'), ...args], { env, encoding: 'utf8' });
  const command = ['env', '-i', ...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...argv]
    .map(quote)
    .join(' ');
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', '150', '-y', '60', '-c', options.project, command);
  const terminal = inTmux(tmux, served, place);
  await terminal.shows(/❯/);
  return terminal;
}

function inTmux(tmux: (...args: string[]) => string, model: Model, place: string): Terminal {
  const pid = Number(tmux('display-message', '-p', '#{pane_pid}'));
  const screen = () => tmux('capture-pane', '-p');
  return {
    requests: model.turns,
    type(text) {
      tmux('send-keys', '-l', text);
      tmux('send-keys', 'Enter');
    },
    press: (...keys) => void tmux('send-keys', ...keys),
    screen,
    shows: (pattern) =>
      vi.waitFor(() => {
        if (!pattern.test(screen())) throw new Error(`the screen does not show ${pattern}:\n${screen()}`);
      }, WAIT),
    async [Symbol.asyncDispose]() {
      hangUp(tmux);
      // The client still writes its files.
      await vi.waitFor(() => expect(isAlive(pid)).toBe(false), WAIT);
      await model[Symbol.asyncDispose]();
      rmSync(place, { recursive: true, force: true });
    },
  };
}

/** tmux leaves by itself when the client does. */
function hangUp(tmux: (...args: string[]) => string): void {
  try {
    tmux('kill-server');
  } catch {
    // It has left already.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** For the shell that tmux starts. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
