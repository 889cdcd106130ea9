/** Runs a drop-in hook file as a host does: a process of its own, the input on stdin, a clean environment. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Duty } from '../../hooks/build-hooks.ts';
import type { HostName } from '../../relay/types.ts';

export interface HookRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface HookOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Left out: the hook has to guess. */
  readonly host?: string;
  /** Another copy of the file. */
  readonly file?: string;
  /** Do not end stdin. */
  readonly holdStdin?: boolean;
}

export function hookFile(duty: Duty): string {
  return fileURLToPath(new URL(`../../hooks/${duty}.mjs`, import.meta.url));
}

export function runHook(duty: Duty, input: string, options: HookOptions = {}): Promise<HookRun> {
  const started = performance.now();
  const args = [options.file ?? hookFile(duty), ...(options.host === undefined ? [] : [options.host])];
  const child = spawn(process.execPath, args, { env: { HOME: '/nonexistent', ...options.env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  child.stdin.on('error', () => undefined); // a hook may leave before it has read all
  if (options.holdStdin === true) child.stdin.write(input);
  else child.stdin.end(input);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr, ms: performance.now() - started }));
  });
}

const TRANSCRIPTS: Record<HostName, string> = {
  claude: '.claude/projects/-home-person-project/0.jsonl',
  gemini: '.gemini/tmp/project/chats/session-0.jsonl',
  codex: '.codex/sessions/2026/11/20/rollout-0.jsonl',
};

/** Puts a transcript where the host keeps it under `home`; returns its path. */
export function writeTranscript(home: string, host: HostName, text: string): string {
  const path = join(home, TRANSCRIPTS[host]);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}
