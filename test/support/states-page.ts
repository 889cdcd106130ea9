/** Reads docs/states.md: the diagram's arrows and the table's rows. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Arrow } from './state-arrows.ts';

export interface StatesPage {
  /** `from to`, without the beginning and the end. */
  readonly diagram: ReadonlySet<string>;
  readonly births: ReadonlySet<string>;
  readonly finals: ReadonlySet<string>;
  readonly table: ReadonlySet<Arrow>;
}

export function readStatesPage(): StatesPage {
  const text = readFileSync(path.join(import.meta.dirname, '../../docs/states.md'), 'utf8');
  const lines = [...text.matchAll(/^ {4}(\S+) --> ([^\s:]+)/gm)].map(([, from = '', to = '']) => ({ from, to }));
  const rows = [...text.matchAll(/^\| (\w+) \| (\w+) \| `([\w.]+)` \| .+ \|$/gm)];
  return {
    diagram: new Set(
      lines.filter(({ from, to }) => from !== '[*]' && to !== '[*]').map(({ from, to }) => `${from} ${to}`),
    ),
    births: new Set(lines.filter(({ from }) => from === '[*]').map(({ to }) => to)),
    finals: new Set(lines.filter(({ to }) => to === '[*]').map(({ from }) => from)),
    table: new Set(rows.map(([, from = '', to = '', method = '']): Arrow => `${from} ${to} ${method}`)),
  };
}
