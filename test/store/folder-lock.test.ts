/** One relay on one folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startRelay } from '../../relay/main.ts';
import { lockFolder } from '../../relay/store/sqlite/folder-lock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a second one is refused with what to do, until the first lets go', () => {
  const file = path.join(temporaryFolder(), 'relay.lock');
  const unlock = lockFolder(file);
  expect(() => lockFolder(file)).toThrow(/another relay is running on this data folder .*TURNPOST_DATA_DIR/);
  unlock();
  lockFolder(file)();
});

test('a process that is killed leaves nothing to clean up', async () => {
  const file = path.join(temporaryFolder(), 'relay.lock');
  const lock = path.join(import.meta.dirname, '../../relay/store/sqlite/folder-lock.ts');
  const script = `import { lockFolder } from ${JSON.stringify(lock)}; lockFolder(${JSON.stringify(file)}); console.log('locked'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = await once(child.stdout, 'data');
  expect(String(said)).toBe('locked\n');
  expect(() => lockFolder(file)).toThrow(/another relay/);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  lockFolder(file)();
});

test('a second relay on the same folder does not start, and the first goes on', async () => {
  const env = {
    TURNPOST_DATA_DIR: temporaryFolder(),
    TURNPOST_HTTP_PORT: '0',
    TURNPOST_SMTP_PORT: 'off',
    TURNPOST_LOG_LEVEL: 'silent',
  };
  const first = await startRelay({ env });
  try {
    await expect(startRelay({ env })).rejects.toThrow(/another relay is running/);
    expect((await fetch(`${first.httpUrl}/v1/ready`)).status).toBe(200);
  } finally {
    await first.close();
  }
  await (await startRelay({ env })).close();
});
