/**
 * `npm run docs`: prints the pages that are made from tables, so that they cannot say anything else than the code does.
 * test/docs-fresh.test.ts fails when a page on disk is not what this prints.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeCli } from '../cli/describe-cli.ts';
import { describeSettings } from '../relay/config.ts';
import { ERRORS } from '../relay/errors.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

const printedFrom = (source: string): string =>
  `<!-- Printed from ${source} by \`npm run docs\`; change the table, not this page. -->`;

/** A cell must neither end the row nor the column. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function settingsTable(): string {
  const rows = describeSettings().map((row) => `| \`${row.name}\` | ${cell(row.default)} | ${cell(row.doc)} |`);
  return `| Name | Default | Meaning |\n|---|---|---|\n${rows.join('\n')}`;
}

/** The README is written by hand but for this table, between its marks. */
function readme(): string {
  const before = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  return before.replace(
    /(<!-- settings:begin -->\n)[\s\S]*(<!-- settings:end -->)/,
    (_, begin: string, end: string) => `${begin}\n${settingsTable()}\n\n${end}`,
  );
}

function configurationPage(): string {
  return `# Configuration

${printedFrom('relay/settings.ts')}

Every setting is an environment variable. \`TURNPOST_CONFIG\` may name a JSON file with the same names in lower case
without the prefix (\`{"http_port": 8725, "domain": "agents.example.com"}\`); the environment wins, and an empty value
counts as not set. Durations are a number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`; sizes a number and \`B\`, \`KiB\`, \`MiB\` or
\`GiB\`. A relay that cannot read its settings names every bad one and does not start. \`templates/env.example\` has all
of them to copy from.

${settingsTable()}

Hooks, command line and MCP read \`TURNPOST_URL\` or \`TURNPOST_SOCKET\`, and \`TURNPOST_KEY\`.
`;
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS)
    .toSorted(([, a], [, b]) => a.status - b.status)
    .map(([code, row]) => {
      const retry = 'retryAfter' in row ? ` Retry-After: ${row.retryAfter} s.` : '';
      return `| ${row.status} | \`${code}\` | ${cell(row.message)}${retry} |`;
    });
  return `# Errors

${printedFrom('relay/errors.ts')}

Every error of the HTTP interface is JSON: \`{"error": {"code", "message", "details"?, "request_id"}}\`. Codes do not
change; messages may, and often say more than this table. \`details.fields\` is a list of \`{path, message}\`;
\`details.recipients\` names each recipient that cannot be reached. The log has the cause under the \`request_id\`.

| Status | Code | What it says |
|---|---|---|
${rows.join('\n')}
`;
}

function envExample(): string {
  const rows = describeSettings().map(
    (row) => `# ${row.doc.replaceAll('`', '')}\n# Default: ${row.default.replaceAll('`', '')}\n#${row.name}=\n`,
  );
  return `# Settings of a Turnpost relay, for \`set -a; . ./relay.env; set +a\`, Docker or systemd. Keep it readable to
# yourself alone: it may hold passwords. docs/configuration.md is the same as a table.

${rows.join('\n')}`;
}

/** Path from the project's folder to text. */
export async function printDocs(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['README.md', readme()],
    ['docs/configuration.md', configurationPage()],
    ['docs/errors.md', errorsPage()],
    ['docs/cli.md', await describeCli()],
    ['templates/env.example', envExample()],
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of await printDocs()) writeFileSync(path.join(ROOT, file), text);
}
