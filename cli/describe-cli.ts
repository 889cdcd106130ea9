/** docs/cli.md, made from the program itself, so that it cannot say anything else than --help does. */
import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { EXIT_CODES } from './exit-code.ts';
import { buildProgram } from './program.ts';

export async function describeCli(): Promise<string> {
  const nowhere = new PassThrough();
  const streams = { stdin: nowhere, stdout: nowhere, stderr: nowhere };
  const program = await buildProgram({ ...streams, env: {}, cwd: '/', signal: new AbortController().signal });
  const codes = Object.values(EXIT_CODES).map(({ code, meaning }) => `| ${code} | ${meaning} |`);
  const verbs = program.commands.flatMap((verb) => [
    `### turnpost ${verb.name()}`,
    '',
    `${sentence(verb)}`,
    '',
    ...usages(verb),
    '',
  ]);
  return [
    '# The command line',
    '',
    '<!-- Printed from cli/ by `npm run docs`; change the code, not this page. -->',
    '',
    'In a checkout: `npm run -s turnpost -- <verb>`. Installed: `turnpost <verb>`.',
    '',
    'The relay and the key are looked for in this order: the options `--url`, `--socket`, `--key`; the environment',
    '(`TURNPOST_SOCKET` or `TURNPOST_URL`, `TURNPOST_KEY`); the file of `--settings`; the data folder of a relay on this',
    'machine. A settings file is one pair: its key goes to its relay only. The admin key of this machine never leaves it.',
    '',
    'With `--json` the answer is one JSON value on stdout, in the shapes of the HTTP interface. All else goes to stderr.',
    '',
    '## Exit codes',
    '',
    '| Code | Means |',
    '|---|---|',
    ...codes,
    '',
    '## Options of every verb',
    '',
    ...options(program),
    '',
    '## Verbs',
    '',
    ...verbs,
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function usages(verb: Command): string[] {
  if (verb.commands.length === 0) return usage(verb, `turnpost ${verb.name()}`);
  return verb.commands.flatMap((sub, index) => [
    ...(index === 0 ? [] : ['']),
    ...usage(sub, `turnpost ${verb.name()} ${sub.name()}`, `: ${sub.description()}`),
  ]);
}

function usage(command: Command, name: string, what = ''): string[] {
  const list = options(command);
  const words = list.length === 0 ? command.usage().replace('[options]', '') : command.usage();
  const line = [name, words.trim()].join(' ').trim();
  return [`\`${line}\`${what}`, ...(list.length === 0 ? [] : ['', ...list])];
}

function options(command: Command): string[] {
  const rows = command.options.filter(({ hidden }) => !hidden);
  return rows.map(({ flags, description, argChoices }) => {
    const choices = argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
    return `* \`${flags}\`: ${description}${choices}`;
  });
}

function sentence(command: Command): string {
  const text = command.description();
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
