/** The first minutes: commands before any relay was started, and while it is stopped. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../cli/exit-code.ts';
import { explainNoRelay } from '../../cli/no-relay.ts';
import { unreachable } from '../../client/turnpost-error.ts';
import { startRelay } from '../../relay/main.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { runCli } from './run-cli.ts';

let folder = '';
beforeEach(() => {
  folder = temporaryFolder();
});

describe('where nobody said where the relay is and none answers', () => {
  const error = unreachable('http://127.0.0.1:8725', Object.assign(new Error(), { code: 'ECONNREFUSED' }));
  const told = (searchedFolder: string | undefined): unknown => explainNoRelay(error, { searchedFolder });

  test('a data folder that is not there, or has nothing of a relay: none has run yet', () => {
    for (const empty of [folder, path.join(folder, 'none')]) {
      expect(told(empty)).toMatchObject({
        exit: 'unreachable',
        message: expect.stringMatching(
          new RegExp(`^No relay has run here yet: .* in ${empty}\\. Start one with "npm start" or "turnpost serve"`),
        ),
      });
    }
  });

  test.each(['turnpost.db', 'admin.key', 'relay.sock'])('%s lies there: it is not running', (name) => {
    writeFileSync(path.join(folder, name), '');
    expect(told(folder)).toMatchObject({
      exit: 'unreachable',
      message: `The relay of this machine is not running (its data folder is ${folder}). ${error.message}`,
    });
  });

  test('an address that somebody named, and any other failure, are told as they are', () => {
    expect(told(undefined)).toBe(error);
    const other = new Error('other');
    expect(explainNoRelay(other, { searchedFolder: folder })).toBe(other);
  });
});

/** The address that is tried last is fixed; on a machine where something listens there, this cannot be shown. */
const portIsTaken = await new Promise<boolean>((resolve) => {
  const socket = net.connect(8725, '127.0.0.1');
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  socket.unref();
});
if (portIsTaken) console.log('skipped: commands before the first relay; something listens at 127.0.0.1:8725');

const COMMANDS = [
  ['install', 'claude'],
  ['agents', 'create', 'planner'],
  ['agents', 'list'],
  ['--as', 'planner', 'send', 'builder', 'hello'],
  ['inbox'],
];

describe.skipIf(portIsTaken)('before the first relay', () => {
  test.each(COMMANDS.map((args) => ({ args })))('turnpost $args says that none has run here', async ({ args }) => {
    const data = path.join(folder, 'data');
    const run = await runCli(args, { env: { TURNPOST_DATA_DIR: data }, cwd: folder });
    expect(run).toMatchObject({ code: EXIT_CODES.unreachable.code, stdout: '' });
    expect(run.stderr).toContain(`turnpost: No relay has run here yet: there is none of its data in ${data}.`);
    expect(existsSync(data)).toBe(false);
  });

  test.each(COMMANDS.map((args) => ({ args })))('turnpost $args says that it was stopped', async ({ args }) => {
    const env = { TURNPOST_DATA_DIR: folder, TURNPOST_HTTP_PORT: '0', TURNPOST_SMTP_PORT: 'off' };
    await (await startRelay({ env: { ...env, TURNPOST_LOG_LEVEL: 'silent' } })).close();
    const stopped = await runCli(args, { env: { TURNPOST_DATA_DIR: folder }, cwd: folder });
    expect(stopped).toMatchObject({ code: EXIT_CODES.unreachable.code, stdout: '' });
    expect(stopped.stderr).toContain(
      `turnpost: The relay of this machine is not running (its data folder is ${folder})`,
    );
    expect(stopped.stderr).toContain('Start it with "npm start"');
    rmSync(path.join(folder, 'turnpost.db'));
  });
});
