/** A machine in memory: a map of files stands for the disk, so plans can be made and carried out thousands of times. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FileState, FileView } from '../../cli/install/file-view.ts';
import type { InstallRequest, Machine, Plan } from '../../cli/install/types.ts';

export const PROJECT = '/home/you/project';
export const PACKAGE = '/opt/turnpost';
export const KEY = 'tp_agent_0123456789abcdef';

export class MemoryDisk implements FileView {
  readonly files = new Map<string, FileState>();
  readonly folders = new Set<string>();
  repository = true;
  readonly tracked = new Set<string>();

  write(path: string, text: string, mode = 0o644): void {
    this.files.set(path, { text, mode });
    this.#addFolder(dirname(path));
  }

  #addFolder(path: string): void {
    this.folders.add(path);
    if (path !== dirname(path)) this.#addFolder(dirname(path));
  }

  read(path: string): FileState | null {
    return this.files.get(path) ?? null;
  }
  isFolder(path: string): boolean {
    return this.folders.has(path);
  }
  owner(path: string): number | undefined {
    return this.files.has(path) ? 1000 : undefined;
  }
  isTracked(path: string): boolean {
    return this.tracked.has(path);
  }
  isIgnored(path: string): boolean {
    if (path.includes('/turnpost/')) return true;
    const exclude = this.files.get(join(PROJECT, '.git/info/exclude'))?.text ?? '';
    return path.endsWith('/.claude/settings.local.json') && exclude.includes('**/.claude/settings.local.json');
  }
  excludeFile(): string | undefined {
    return this.repository ? join(PROJECT, '.git/info/exclude') : undefined;
  }

  /** What applyPlan does, without a disk. */
  carryOut(plan: Plan): void {
    for (const { path, after, mode } of plan.changes) {
      if (after === null) this.files.delete(path);
      else this.write(path, after, mode ?? this.files.get(path)?.mode ?? 0o644);
    }
    for (const folder of plan.emptyFolders) {
      const used = [...this.files.keys(), ...this.folders].some((path) => path.startsWith(`${folder}/`));
      if (!used) this.folders.delete(folder);
    }
  }

  /** All there is under the project and the home, for comparisons. */
  snapshot(): Record<string, string> {
    const files = [...this.files].map(([path, { text, mode }]) => [path, `${mode.toString(8)} ${text}`] as const);
    return Object.fromEntries([...files, ...[...this.folders].map((path) => [`${path}/`, ''] as const)].sort());
  }
}

const templates = new URL('../../templates/', import.meta.url);

/** A disk with an installed package and an empty project in a git repository. */
export function memoryMachine(): { disk: MemoryDisk; machine: Machine } {
  const disk = new MemoryDisk();
  disk.write(join(PACKAGE, 'dist/cli/turnpost.js'), '');
  for (const duty of ['end-of-turn', 'session-start', 'prompt', 'session-end']) {
    disk.write(join(PACKAGE, `hooks/${duty}.mjs`), `// ${duty}\n`);
  }
  for (const file of ['agent-instructions.md', 'gitignore']) {
    disk.write(join(PACKAGE, 'templates', file), readFileSync(new URL(file, templates), 'utf8'));
  }
  disk.write(join(PROJECT, '.git/info/exclude'), '# git ls-files --others --exclude-from=.git/info/exclude\n');
  const machine = {
    view: disk,
    home: '/home/you',
    platform: 'linux',
    env: {},
    uid: 1000,
    node: '/usr/bin/node',
  } as const;
  return { disk, machine };
}

export function installRequest(request: Partial<InstallRequest> = {}): InstallRequest {
  return {
    client: 'claude',
    dir: PROJECT,
    agent: 'quiet-otter@turnpost.localhost',
    relay: { url: 'http://127.0.0.1:8725' },
    key: KEY,
    packageRoot: PACKAGE,
    ...request,
  };
}
