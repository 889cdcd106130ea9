/** turnpost inboxes: against a real relay, with mail by SMTP. */
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT_CODES } from '../../cli/exit-code.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';
import { type CliRun, runCli } from './run-cli.ts';

let relay: RelayInProcess;
beforeAll(async () => {
  relay = await relayInProcess();
});
afterAll(() => relay.close());

const run = (...args: string[]): Promise<CliRun> => runCli(args, { env: { TURNPOST_DATA_DIR: relay.dataDir } });

test('an inbox is made, waited for, listed, read and deleted', async () => {
  const made = (await run('--json', 'inboxes', 'create', '--ttl', '90s', '--label', 'a trial')).json();
  const address = String(made['address']);
  expect(made).toMatchObject({ owner_type: 'api', label: 'a trial' });
  const lives = Date.parse(String(made['expires_at'])) - Date.parse(String(made['created_at']));
  expect(lives, 'whole minutes').toBe(120_000);
  expect((await run('inboxes', 'wait', address, '--timeout', '1s')).code).toBe(EXIT_CODES.nothing.code);
  const before = new Date(Date.now() - 1000).toISOString();
  const transport = createTransport({ host: '127.0.0.1', port: relay.smtpPort, ignoreTLS: true });
  const text = 'Your code is 482913.\u001b[31m';
  await transport.sendMail({ from: 'Example <no-reply@example.com>', to: address, subject: 'Welcome', text });
  transport.close();
  const waited = await run('inboxes', 'wait', address, '--since', before, '--from', '@example.com');
  expect(waited.stdout).toMatch(
    /^ID +TIME +STATE +FROM +SUBJECT\neml_\S+ +\S+ \S+ +unread +no-reply@example\.com +Welcome\n$/,
  );
  const id = /eml_\S+/.exec(waited.stdout)?.[0] ?? '';
  const read = await run('inboxes', 'read', id);
  expect(read.stdout).toContain('Example <no-reply@example.com> (not proven)');
  expect(read.stdout).toContain('Your code is 482913.[31m');
  expect((await run('inboxes', 'messages', address)).stdout).toMatch(/ read +no-reply@example\.com/);
  expect((await run('inboxes')).stdout).toMatch(/^ADDRESS .*\n.*@turnpost\.localhost +live .* 1 +0 +a trial\n$/);
  expect((await run('inboxes', 'delete', address)).stdout).toBe(`${address} is deleted.\n`);
  expect((await run('inboxes', 'messages', address)).code).toBe(EXIT_CODES.notFound.code);
  expect((await run('inboxes', 'list')).stdout).toBe('No inboxes.\n');
});

test('--as is refused: its key ends with the command, and the inbox with it', async () => {
  await relay.agent('cli-inboxes');
  const refused = await run('--as', 'cli-inboxes', 'inboxes', 'create');
  expect([refused.code, refused.stdout]).toEqual([EXIT_CODES.usage.code, '']);
});

test('a key with --mcp-access says so; a code hands it on', async () => {
  await relay.agent('cli-access');
  expect((await run('--json', 'keys', 'create', 'cli-access')).json()).toMatchObject({ mcp_access: false });
  expect((await run('--json', 'keys', 'create', 'cli-access', '--mcp-access')).json()).toMatchObject({
    mcp_access: true,
  });
  const code = (await run('enrol', '--mcp-access')).stdout.trim();
  const agent = (await run('--json', 'enrol', '--code', code)).json();
  expect(agent['key']).toMatchObject({ mcp_access: true });
});
