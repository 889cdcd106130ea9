/** A sign-up as a coding agent does it: relay and MCP server as programs of their own, the relay killed in between. */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import nodemailer from 'nodemailer';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import { temporaryFolder, testSettings } from '../support/relay-fixture.ts';
import { type RelayProgram, startRelayProgram } from '../support/relay-program.ts';

const Result = z.object({ structuredContent: z.record(z.string(), z.unknown()) });

test('an inbox, its mail and its owner outlive kill -9; the code is found through turnpost mcp', async () => {
  const folder = temporaryFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const first = await startRelayProgram(testSettings(folder));
  const adminKey = readFileSync(path.join(folder, 'admin.key'), 'utf8').trim();
  const admin = (relay: RelayProgram) => new TurnpostClient({ relay: { url: relay.httpUrl }, key: adminKey });
  await admin(first).registerAgent({ name: 'signer' });
  const { secret } = await admin(first).issueKey('signer', { mcp_access: true });
  const mcp = await openMcp(folder, secret);
  const { address } = z.object({ address: z.string() }).parse(await mcp('create_mailbox', { ttl_minutes: 5 }));
  const before = z.object({ since: z.string() }).parse(await mcp('wait_for_email', { address, timeout: 0 }));
  await mail(first, address, 'Your code is 482913.');
  await first.stop('SIGKILL');

  const second = await startRelayProgram(testSettings(folder));
  onTestFinished(async () => void (await second.stop('SIGKILL')));
  const kept = await mcp('wait_for_email', { address, since: before.since, timeout: 0 });
  expect(kept).toMatchObject({ messages: [{ subject: 'Welcome' }] });
  expect(await mcp('extract_code', { address })).toMatchObject({ code: '482913', confidence: 'high' });
  const waiting = mcp('wait_for_email', { address, timeout: 30 });
  await expect.poll(async () => (await fetch(`${second.httpUrl}/metrics`)).text()).toMatch(/^turnpost_waiters 1$/m);
  await mail(second, address, 'Your code is 731904.');
  expect(await waiting).toMatchObject({ messages: [{ subject: 'Welcome' }] });
  expect(await mcp('extract_code', { address })).toMatchObject({ code: '731904' });
}, 60_000);

/** `turnpost mcp` as a host starts it; it finds the relay by its socket, whichever process holds it. */
async function openMcp(folder: string, key: string) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['--import', 'tsx', path.resolve(import.meta.dirname, '../../cli/turnpost.ts'), 'mcp'],
    env: { PATH: process.env['PATH'] ?? '', TURNPOST_SOCKET: path.join(folder, 'relay.sock'), TURNPOST_KEY: key },
    stderr: 'inherit',
  });
  const host = new Client({ name: 'test', version: '0' });
  await host.connect(transport);
  onTestFinished(() => host.close());
  return async (name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const result = await host.callTool({ name, arguments: args });
    return Result.parse(result, { error: () => JSON.stringify(result) }).structuredContent;
  };
}

async function mail(relay: RelayProgram, to: string, text: string): Promise<void> {
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port: relay.smtpPort, ignoreTLS: true });
  await transport.sendMail({ from: 'no-reply@example.com', to, subject: 'Welcome', text });
  transport.close();
}
