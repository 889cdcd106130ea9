/**
 * Imports point down (docs/architecture.md): a file imports only from the folders its own folder may know, a package is
 * used only where it belongs, and time, chance, settings and the screen have one place each.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');

/** Folder (or file) to what it may import of ours, besides itself. The longest name that fits a file counts. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  // These two build all parts and connect them.
  'relay/relay.ts': ['relay', 'mcp-remote'],
  'relay/main.ts': ['relay'],
  'relay/store': ['relay/*'],
  'relay/mail': ['relay/*'],
  'relay/hosts': ['relay/*'],
  'relay/broker': ['relay/*', 'relay/store/stores.ts', 'relay/mail', 'relay/hosts'],
  'relay/push': ['relay/*', 'relay/store/stores.ts', 'relay/broker'],
  'relay/http': ['relay/*', 'relay/store/stores.ts', 'relay/hosts', 'relay/broker', 'relay/push'],
  // Nouns, wire schemas, tables.
  relay: [],
  client: ['relay/wire.ts', 'relay/wire-inboxes.ts', 'relay/wire-domain.ts'],
  // What a model sees has one rule, wherever it is shown.
  'mcp-remote': ['relay/wire.ts', 'relay/wire-inboxes.ts', 'relay/hidden-text.ts', 'client'],
  cli: ['cli', 'relay/wire.ts', 'relay/wire-inboxes.ts', 'relay/wire-domain.ts', 'client', 'mcp-remote'],
  // They ask token servers as the relay does.
  'cli/oauth': ['cli', 'relay/*', 'relay/mail'],
  'cli/verbs/oauth.ts': ['cli', 'cli/oauth', 'relay/*', 'relay/mail'],
  // It runs the relay itself, and the demo beside it.
  'cli/verbs/serve.ts': ['cli', 'relay/main.ts'],
  'cli/demo': ['cli', 'client', 'relay/wire.ts', 'relay/main.ts', 'relay/relay.ts', 'relay/package-info.ts'],
  hooks: [],
};

/** Package (or built-in module) to the folders that may use it. Not named: anywhere. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  express: ['relay/http'],
  'prom-client': ['relay/http'],
  'better-sqlite3': ['relay/store'],
  // The demo plays a person's mail program.
  nodemailer: ['relay/mail', 'cli/demo'],
  imapflow: ['relay/mail'],
  mailparser: ['relay/mail'],
  'smtp-server': ['relay/mail'],
  'file-type': ['relay/mail'],
  htmlparser2: ['relay/mail'],
  selfsigned: ['relay/mail'],
  asn1js: ['relay/mail'],
  mailauth: ['relay/mail'],
  jsonwebtoken: ['relay/broker'],
  pino: ['relay/log.ts'],
  '@modelcontextprotocol/sdk': ['mcp-remote'],
  commander: ['cli'],
  'jsonc-parser': ['cli'],
  '@decimalturn/toml-patch': ['cli'],
};

/** The rules and the hosts are handed what they need of the world. */
const WORLDLY = [
  'node:fs',
  'node:fs/promises',
  'node:net',
  'node:http',
  'node:https',
  'node:child_process',
  'node:tls',
];
const UNWORLDLY = ['relay/broker', 'relay/hosts', 'relay/push'];

/** Pattern, where it is looked for, and the files that may. */
const RESERVED: readonly { pattern: RegExp; within: RegExp; except: readonly string[] }[] = [
  { pattern: /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/, within: /^relay\//, except: ['relay/clock.ts'] },
  { pattern: /\bset(Timeout|Interval)\b/, within: /^relay\//, except: ['relay/clock.ts'] },
  { pattern: /\bprocess\.(env|exit|argv)\b/, within: /^relay\//, except: ['relay/main.ts'] },
  { pattern: /\bconsole\./, within: /^(relay|client|mcp-remote|cli)\//, except: [] },
  // It drops a statement, and a collected one aborts newer Nodes: relay/store/sqlite/database.ts.
  { pattern: /\.pragma\(/, within: /^relay\//, except: [] },
  { pattern: /^import .*'express'/m, within: /^(client|mcp-remote|cli)\//, except: [] },
];

const TOP_FOLDERS = ['relay', 'client', 'mcp-remote', 'cli', 'hooks'] as const;

const SOURCES: readonly string[] = TOP_FOLDERS.flatMap((folder) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mjs)$/.test(file))
    .map((file) => `${folder}/${file.replaceAll(path.sep, '/')}`),
);

const covers = (place: string, file: string): boolean => file === place || file.startsWith(`${place}/`);

function layerOf(file: string): string {
  const fitting = Object.keys(LAYERS).filter((layer) => covers(layer, file));
  return fitting.toSorted((a, b) => b.length - a.length)[0] ?? '';
}

/** `relay/*`: the files directly in relay/, but not the two that build everything. */
function allows(place: string, target: string): boolean {
  if (place === 'relay/*') return layerOf(target) === 'relay';
  return covers(place, target);
}

function importsOf(code: string): string[] {
  const found = code.matchAll(
    /(?:^|\n)(?:import|export)\b[^'"`;]*?from\s*'([^']+)'|(?:^|\n)import\s*'([^']+)'|\bimport\('([^']+)'\)/g,
  );
  return [...found].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '');
}

const packageOf = (name: string): string =>
  name.startsWith('node:')
    ? name
    : name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/');

/** What is wrong with one file, a line each. */
function violations(file: string, code: string): string[] {
  const layer = layerOf(file);
  const wrongImports = importsOf(code).flatMap((name) => {
    if (name.startsWith('.')) {
      const target = path.posix.join(path.posix.dirname(file), name);
      const fine = layerOf(target) === layer || (LAYERS[layer] ?? []).some((place) => allows(place, target));
      return fine ? [] : [`${file} imports ${target}`];
    }
    const places = PACKAGES[packageOf(name)];
    const misplaced = places !== undefined && !places.some((place) => covers(place, file));
    const worldly = WORLDLY.includes(name) && UNWORLDLY.some((place) => covers(place, file));
    return misplaced || worldly ? [`${file} uses ${name}`] : [];
  });
  const reserved = RESERVED.filter(
    ({ pattern, within, except }) => within.test(file) && !except.includes(file) && pattern.test(withoutComments(code)),
  );
  return [...wrongImports, ...reserved.map(({ pattern }) => `${file} holds ${pattern}`)];
}

const withoutComments = (code: string): string => code.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

test('every file keeps to its layer', () => {
  expect(SOURCES.length).toBeGreaterThan(100);
  expect(SOURCES.flatMap((file) => violations(file, read(file)))).toEqual([]);
});

test('every file says at its top what it is', () => {
  const silent = SOURCES.filter((file) => !/^(#!.*\n)?(\/\*\*|\/\/)/.test(read(file)));
  expect(silent).toEqual([]);
});

test('names say what a file holds', () => {
  const names = SOURCES.map((file) => path.posix.basename(file));
  expect(names.filter((name) => /^(index|utils?|helpers?|common|manager)\.|[A-Z_ ]/.test(name))).toEqual([]);
});

describe('what is watched is seen', () => {
  test.each([
    ['relay/mail/a.ts', `import { x } from '../store/stores.ts';`],
    ['relay/store/a.ts', `import type { x } from '../broker/deps.ts';`],
    ['relay/hosts/a.ts', `export { x } from '../mail/address.ts';`],
    ['relay/broker/a.ts', `import {\n  x,\n  y,\n} from '../http/route.ts';`],
    ['relay/broker/a.ts', `import { x } from '../store/sqlite/rows.ts';`],
    ['relay/broker/a.ts', `import net from 'node:net';`],
    ['relay/http/a.ts', `const x = await import('../mail/courier.ts');`],
    ['relay/http/a.ts', `import { x } from '../relay.ts';`],
    ['relay/errors.ts', `import { x } from './broker/deps.ts';`],
    ['relay/errors.ts', `import './main.ts';`],
    ['client/a.ts', `import { x } from '../relay/errors.ts';`],
    ['mcp-remote/tools/a.ts', `import { x } from '../../cli/cli.ts';`],
    ['mcp-remote/a.ts', `import { x } from '../relay/errors.ts';`],
    ['cli/verbs/a.ts', `import { x } from '../../relay/relay.ts';`],
    ['relay/broker/a.ts', `import express from 'express';`],
    ['relay/http/a.ts', `import Database from 'better-sqlite3';`],
    ['cli/a.ts', `import { x } from '@modelcontextprotocol/sdk/server/mcp.js';`],
    ['relay/broker/a.ts', `const now = Date.now();`],
    ['relay/broker/a.ts', `const now = new Date();`],
    ['relay/push/a.ts', `import { setTimeout } from 'node:timers/promises';`],
    ['relay/config.ts', `const home = process.env['HOME'];`],
    ['cli/a.ts', `console.log('x');`],
    ['relay/store/a.ts', `db.pragma('user_version');`],
  ])('%s: %s', (file, code) => {
    expect(violations(file, code)).toHaveLength(1);
  });

  test('what is allowed is not', () => {
    expect(
      violations('relay/http/a.ts', `import { x } from '../broker/deps.ts';\nimport { y } from './b.ts';`),
    ).toEqual([]);
    expect(
      violations('relay/broker/a.ts', `/** Date.now() is not for here. */\n// nor console.log\nnew Date(at);`),
    ).toEqual([]);
    expect(violations('relay/http/a.ts', `const url = 'http://x'; // console.log`)).toEqual([]);
  });
});
