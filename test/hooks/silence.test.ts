/** Whatever goes wrong, a hook says nothing, exits 0 and takes less than 2 s. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { DUTIES } from '../../hooks/build-hooks.ts';
import { startHookRelay } from '../support/hook-relay.ts';
import { type HookOptions, hookFile, runHook } from '../support/run-hook.ts';

const INPUT = JSON.stringify({ session_id: 's1', hook_event_name: 'Stop', stop_hook_active: false });
const GOOD = '{"hookSpecificOutput":{}}';

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

/**
 * The hook gives up after 1.5 s of its own; what node takes to start on a busy machine comes on top, and is measured
 * beside it, so that a machine that is busy for a moment turns no test red.
 */
async function expectInTime(ms: number): Promise<void> {
  if (ms < 2_000) return;
  const before = performance.now();
  await once(spawn(process.execPath, ['-e', '0']), 'exit');
  expect(ms).toBeLessThan(2_000 + 5 * (performance.now() - before));
}

async function expectSilence(input: string, options: HookOptions): Promise<void> {
  const { ms, ...run } = await runHook('end-of-turn', input, { host: 'claude', ...options });
  expect(run).toEqual({ code: 0, stdout: '', stderr: '' });
  await expectInTime(ms);
}

/** A server on loopback that answers as it likes; returns the settings that lead to it. */
async function serve(listener: RequestListener): Promise<Record<string, string>> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { TURNPOST_URL: `http://127.0.0.1:${port}`, TURNPOST_KEY: 'k' };
}

async function serveRaw(onSocket: (socket: Socket) => void): Promise<Record<string, string>> {
  const server = createTcpServer(onSocket).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { TURNPOST_URL: `http://127.0.0.1:${port}`, TURNPOST_KEY: 'k' };
}

describe.concurrent('the relay', () => {
  test.each([401, 404, 422, 500, 503, 204, 302])('answers %i', async (status) => {
    const env = await serve((_request, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(status === 204 ? undefined : GOOD);
    });
    await expectSilence(INPUT, { env });
  });

  test('is down: TCP', () => expectSilence(INPUT, { env: { TURNPOST_URL: 'http://127.0.0.1:1', TURNPOST_KEY: 'k' } }));
  test('is down: socket', () =>
    expectSilence(INPUT, { env: { TURNPOST_SOCKET: '/nonexistent/s', TURNPOST_KEY: 'k' } }));

  test('never answers', async () => {
    await expectSilence(INPUT, { env: await serve(() => undefined) });
  });

  test('answers byte by byte, too slowly', async () => {
    const env = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': GOOD.length });
      const drip = setInterval(() => response.write('{'), 400);
      closers.push(() => clearInterval(drip));
    });
    await expectSilence(INPUT, { env });
  });

  test('breaks off in the middle of the answer', async () => {
    const env = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 500 });
      response.write('{"hookSpecificOutput":{}', () => response.destroy());
    });
    await expectSilence(INPUT, { env });
  });

  test('breaks off in the middle of the answer on the socket', async () => {
    await using relay = await startHookRelay();
    const server = createTcpServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"hookSpecificOutput":{}'));
    closers.push(() => server.close());
    const path = `${relay.socket}.cut`;
    await once(server.listen(path), 'listening');
    await expectSilence(INPUT, { env: { TURNPOST_SOCKET: path, TURNPOST_KEY: 'k' } });
  });

  test('speaks no HTTP', async () => {
    await expectSilence(INPUT, { env: await serveRaw((socket) => socket.end('220 mail.example ESMTP\r\n')) });
  });

  test('is a proxy that shows a page', async () => {
    await expectSilence(INPUT, { env: await serve((_request, response) => response.end('<html>Log in</html>')) });
  });

  test('answers with more than a mebibyte', async () => {
    await using relay = await startHookRelay(() => `{"a":"${'x'.repeat(1024 * 1024)}"}`);
    await expectSilence(INPUT, { env: relay.env });
    await expectSilence(INPUT, { env: { TURNPOST_URL: relay.url, TURNPOST_KEY: 'k' } });
  });
});

describe.concurrent('the input', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', 'hello'],
    ['cut JSON', INPUT.slice(0, -5)],
    ['null', 'null'],
    ['a list', '[1]'],
    ['no session_id', '{"hook_event_name":"Stop"}'],
    ['no event', '{"session_id":"s1"}'],
    ['a path that is no text', '{"session_id":"s1","hook_event_name":"Stop","transcript_path":{"a":1}}'],
    ['null bytes', '\0\0\0'],
  ])('is %s', async (_name, input) => {
    await using relay = await startHookRelay(() => '');
    await expectSilence(input, { env: relay.env });
  });

  test.each(DUTIES)('never ends (%s)', async (duty) => {
    const { ms, ...run } = await runHook(duty, INPUT, { host: 'claude', holdStdin: true });
    expect(run).toEqual({ code: 0, stdout: '', stderr: '' });
    await expectInTime(ms);
  });
});

describe.concurrent('the settings', () => {
  test('are missing', () => expectSilence(INPUT, {}));
  test('have no key', () => expectSilence(INPUT, { env: { TURNPOST_URL: 'http://127.0.0.1:1' } }));
  test.each(['no url', 'ftp://127.0.0.1/', 'http://', 'https://127.0.0.1:1'])('have the URL %j', async (url) => {
    await expectSilence(INPUT, { env: { TURNPOST_URL: url, TURNPOST_KEY: 'k' } });
  });

  test('have a key that would make a second header', async () => {
    await using relay = await startHookRelay(() => GOOD);
    await expectSilence(INPUT, { env: { ...relay.env, TURNPOST_KEY: 'k\r\nX-Evil: 1' } });
    await expectSilence(INPUT, { env: { TURNPOST_URL: relay.url, TURNPOST_KEY: 'k\r\nX-Evil: 1' } });
    expect(relay.calls).toEqual([]);
  });

  test('make Node print a warning', async () => {
    const env = { TURNPOST_URL: 'https://127.0.0.1:1', TURNPOST_KEY: 'k', NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    await expectSilence(INPUT, { env });
  });
});

test('the host has closed its end of stdout', async () => {
  await using relay = await startHookRelay(() => `{"a":"${'x'.repeat(500_000)}"}`);
  const child = spawn(process.execPath, [hookFile('end-of-turn'), 'claude'], { env: { ...relay.env } });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += String(text)));
  child.stdin.end(INPUT);
  const [code] = await once(child, 'close');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
