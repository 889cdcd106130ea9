/** What a relay says of itself: health, readiness, figures, published keys, and a description that is whole. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { ERRORS } from '../../relay/errors.ts';
import * as wire from '../../relay/wire.ts';
import type { Operation } from '../support/openapi-check.ts';
import { openFixture, type RelayFixture } from '../support/relay-fixture.ts';

let fixture: RelayFixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(() => fixture.close());

const operations = (): [string, Operation][] =>
  Object.entries(fixture.openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );

test('health and readiness need no key', async () => {
  const health = (await fixture.call('GET', '/v1/health', { key: null })).as(wire.Health);
  expect(health.version).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
  const ready = await fixture.call('GET', '/v1/ready', { key: null });
  expect([ready.status, ready.json]).toEqual([200, { ready: true, not_ready: [] }]);
});

test('the published keys are public parts alone, each with its thumbprint', async () => {
  const Key = z.strictObject({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: z.string(),
    y: z.string(),
    kid: z.string().length(43),
    use: z.literal('sig'),
    alg: z.literal('ES256'),
  });
  const reply = await fixture.call('GET', '/.well-known/jwks.json', { key: null });
  expect(reply.as(z.strictObject({ keys: z.array(Key).min(1) }))).toBeDefined();
});

test('figures are for this machine without a key, and for admins; not for agents, not through a proxy', async () => {
  const { key } = await fixture.agent();
  const metrics = (wanted: string | null, headers = {}) => fixture.call('GET', '/metrics', { key: wanted, headers });
  expect((await metrics(null)).status).toBe(200);
  expect((await metrics(fixture.adminKey)).status).toBe(200);
  expect((await metrics(key)).status).toBe(403);
  expect((await metrics('tp_admin_unknown')).status).toBe(401);
  expect((await metrics(null, { 'x-forwarded-for': '203.0.113.1' })).status).toBe(401);
  expect((await metrics(fixture.adminKey, { forwarded: 'for=203.0.113.1' })).status).toBe(200);
});

test('figures count mail by state and requests by route, never by id', async () => {
  const sender = await fixture.agent('counted');
  const sent = (await fixture.send(sender, 'counted')).as(wire.Message);
  await fixture.call('GET', `/v1/agents/me/messages/${sent.id}`, { key: sender.key });
  const { text, headers } = await fixture.call('GET', '/metrics', { key: null });
  expect(headers['content-type']).toContain('text/plain');
  expect(text).toContain('turnpost_deliveries_open{state="available"} 1');
  expect(text).toContain('route="/v1/agents/me/messages/:id"');
  expect(text).not.toContain(sent.id);
});

test('the description is OpenAPI 3.1 with a unique id for each operation and every parameter of its path', () => {
  expect(fixture.openApi.openapi).toBe('3.1.0');
  const ids = operations().map(([, { operationId }]) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [name, { parameters = [], responses }] of operations()) {
    const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, one]) => one);
    expect(
      parameters.filter((one) => one.in === 'path').map((one) => one.name),
      name,
    ).toEqual(inPath);
    expect(
      Object.keys(responses).filter((status) => status.startsWith('2')),
      name,
    ).not.toEqual([]);
    for (const { description } of Object.values(responses)) expect(description, name).not.toBe('');
  }
});

test('the description has every route of the interface, and no other', () => {
  expect(
    operations()
      .map(([name]) => name)
      .toSorted(),
  ).toEqual(
    [
      'GET /.well-known/jwks.json',
      'GET /metrics',
      'GET /openapi.json',
      'GET /v1/health',
      'GET /v1/ready',
      'POST /mcp',
      'GET /v1/agents',
      'POST /v1/agents',
      'GET /v1/agents/{agent}',
      'PATCH /v1/agents/{agent}',
      'DELETE /v1/agents/{agent}',
      'POST /v1/agents/{agent}/keys',
      'DELETE /v1/agents/{agent}/keys/{key}',
      'POST /v1/agents/{agent}/keys/{key}/rotate',
      'POST /v1/enrolments',
      'POST /v1/enrolments/{code}/agents',
      'GET /v1/agents/me/messages',
      'POST /v1/agents/me/messages',
      'GET /v1/agents/me/messages/{id}',
      'GET /v1/agents/me/messages/{id}/attachments/{n}',
      'POST /v1/agents/me/messages/{id}/ack',
      'POST /v1/agents/me/messages/{id}/reply',
      'POST /v1/agents/me/leases',
      'POST /v1/agents/me/leases/{id}/release',
      'POST /v1/hooks/{host}/{event}',
      'GET /v1/threads',
      'GET /v1/threads/{id}',
      'GET /v1/outbox',
      'GET /v1/holds',
      'POST /v1/holds/{id}/accept',
      'POST /v1/holds/{id}/drop',
      'GET /v1/domain',
      'GET /v1/domain/check',
      'POST /v1/domain/keys',
      'GET /.well-known/mta-sts.txt',
      'GET /u/{token}',
      'POST /u/{token}',
      'GET /f/{token}',
      'GET /v1/suppressions',
      'DELETE /v1/suppressions/{address}',
      'POST /v1/intake/email',
      'POST /v1/intake/ses',
      'GET /v1/inboxes',
      'POST /v1/inboxes',
      'GET /v1/inboxes/{address}',
      'DELETE /v1/inboxes/{address}',
      'POST /v1/inboxes/{address}/wait',
      'GET /v1/inboxes/{address}/messages',
      'GET /v1/inboxes/{address}/messages/{id}',
      'POST /v1/inboxes/{address}/messages/{id}/read',
      'GET /v1/inboxes/{address}/messages/{id}/attachments/{n}',
      'POST /v1/inboxes/{address}/messages/{id}/extract-code',
      'POST /v1/inboxes/{address}/messages/{id}/extract-link',
    ].toSorted(),
  );
});

test('the statuses of errors in the description are those of the table', () => {
  for (const [name, { responses }] of operations()) {
    const errors = Object.entries(responses).filter(([, { content }]) =>
      JSON.stringify(content ?? {}).includes('schemas/Error'),
    );
    for (const [status, { description }] of errors) {
      const statuses = description
        .split(', ')
        .map((code) => Object.entries(ERRORS).find(([one]) => one === code)?.[1].status);
      expect(new Set(statuses), `${name} ${status}`).toEqual(new Set([Number(status)]));
    }
  }
});

test('which keys a route takes is described: none but for those that are for all', () => {
  const open = operations().filter(([, { security }]) => security === undefined);
  expect(open.map(([name]) => name).toSorted()).toEqual([
    'GET /.well-known/jwks.json',
    'GET /.well-known/mta-sts.txt',
    'GET /f/{token}',
    'GET /metrics',
    'GET /openapi.json',
    'GET /u/{token}',
    'GET /v1/health',
    'GET /v1/ready',
    'POST /u/{token}',
    'POST /v1/enrolments/{code}/agents',
    'POST /v1/intake/email',
    'POST /v1/intake/ses',
  ]);
});

test('every route that needs a key refuses without one, whatever else is wrong', async () => {
  for (const [name, { security }] of operations()) {
    if (security === undefined) continue;
    const [method = '', path = ''] = name.split(' ');
    const where = path.replaceAll(/\{\w+\}/g, 'x');
    const reply = await fixture.call(method, where, { key: null, ...(method === 'POST' && { body: '{' }) });
    expect([reply.status, reply.code], name).toEqual([401, 'unauthorized']);
  }
});

test('every admin route refuses an agent, every agent route an admin', async () => {
  const { key } = await fixture.agent();
  for (const [name, operation] of operations()) {
    const who = Object.entries(operation).find(([field]) => field === 'x-who')?.[1];
    if ((who !== 'admin' && who !== 'agent') || name === 'POST /mcp') continue;
    const [method = '', path = ''] = name.split(' ');
    const reply = await fixture.call(method, path.replaceAll(/\{\w+\}/g, 'x'), {
      key: who === 'admin' ? key : fixture.adminKey,
    });
    expect([reply.status, reply.code], name).toEqual([403, 'forbidden']);
  }
});
