/** The log: JSON lines on stderr, and of an error its text and stack, not `{}`. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

function logged(level: string, call: string): Record<string, unknown>[] {
  const script = `import { createLog } from './relay/log.ts'; const log = createLog('${level}'); ${call}`;
  const { stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

test('a cause is logged with its message and its stack', () => {
  const [line] = logged(
    'info',
    `log.error({ cause: new TypeError('why') , id: 'msg_1' }, 'it failed'); log.debug({}, 'x');`,
  );
  expect(line).toMatchObject({
    level: 'error',
    id: 'msg_1',
    msg: 'it failed',
    cause: { type: 'TypeError', message: 'why' },
  });
  expect(JSON.stringify(line)).toContain('stack');
});

test('silent is silent', () => {
  expect(logged('silent', `log.error({}, 'x');`)).toEqual([]);
});
