/** A caller that has gone is noticed however early it went: else its long poll would wait for nobody. */
import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { whenGone } from '../../relay/http/route.ts';

const server = createServer();
afterEach(() => server.close());

test('it aborts when the caller goes, and is aborted where the caller went before it was asked', async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // an open TCP server has one
  const sent = request({ host: '127.0.0.1', port, agent: false }).on('error', () => undefined);
  sent.end();
  const res: ServerResponse = (await once(server, 'request'))[1];
  const inTime = whenGone(res);
  expect(inTime.aborted).toBe(false);
  const closed = once(res, 'close');
  sent.destroy();
  await closed;
  expect(inTime.aborted).toBe(true);
  expect(whenGone(res).aborted, 'asked too late to hear it go').toBe(true);
});
