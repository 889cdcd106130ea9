/** The OpenAPI 3.1 description, made from the routes and the wire schemas: each with every status it may answer with. */
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { ErrorAnswer } from '../wire.ts';
import type { Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

/** `forbidden` may also be the Host header's guard, so every route has it. */
const ANY_ROUTE: readonly ErrorCode[] = ['forbidden', 'internal'];
const WITH_KEY: readonly ErrorCode[] = ['unauthorized', 'unavailable'];
const WITH_BODY: readonly ErrorCode[] = ['malformed_json', 'too_large', 'unsupported_media_type', 'invalid_request'];

export function openApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const row of routes) {
    const path = row.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [row.method]: operation(row) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Turnpost relay', version, description: `Errors carry one of: ${Object.keys(ERRORS).join(', ')}.` },
    paths: { ...paths, '/mcp': { post: MCP } },
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: z.toJSONSchema(ErrorAnswer, { io: 'output' }) },
    },
  };
}

function operation(row: Route): Json {
  return {
    summary: row.summary,
    operationId: row.operationId ?? operationId(row),
    ...(row.who !== 'anyone' && { security: [{ key: [] }, ...(row.who === 'inbox' ? [{}] : [])], 'x-who': row.who }),
    parameters: [...pathParameters(row), ...queryParameters(row), ...(row.creates ? [IDEMPOTENCY_KEY] : [])],
    ...(row.body && { requestBody: { required: true, content: json(row.body, 'input') } }),
    ...(row.bytes && { requestBody: { required: true, content: { [row.bytes.media]: {} } } }),
    responses: {
      ...errorAnswers(errorsOf(row)),
      [String(row.status ?? 200)]: { description: row.summary, ...contentOf(row) },
      ...Object.fromEntries(
        (row.pages ?? []).map((status) => [String(status), { description: 'a page', content: { 'text/html': {} } }]),
      ),
      ...Object.fromEntries(
        Object.entries(row.otherAnswers ?? {}).map(([status, schema]) => [
          status,
          { description: row.summary, content: json(schema, 'output') },
        ]),
      ),
    },
  };
}

function contentOf({ answer, media }: Route): Json {
  if (answer !== undefined) return { content: json(answer, 'output') };
  return { content: { [media ?? 'application/json']: {} } };
}

const ERROR_CONTENT = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };

/** One answer a status, described by its codes. */
function errorAnswers(codes: readonly ErrorCode[]): Json {
  const statuses = new Set(codes.map((code) => ERRORS[code].status));
  const of = (status: number): ErrorCode[] => [...new Set(codes)].filter((code) => ERRORS[code].status === status);
  return Object.fromEntries(
    [...statuses].map((status) => [String(status), { description: of(status).join(', '), content: ERROR_CONTENT }]),
  );
}

const MCP: Json = {
  summary: 'The MCP server over streamable HTTP; its messages are those of the Model Context Protocol',
  operationId: 'post_mcp',
  security: [{ key: [] }],
  'x-who': 'agent',
  requestBody: { required: true, content: { 'application/json': {} } },
  responses: {
    ...errorAnswers([...ANY_ROUTE, ...WITH_KEY, 'malformed_json', 'too_large']),
    '200': { description: 'An answer', content: { 'application/json': {}, 'text/event-stream': {} } },
    '202': { description: 'A notification was taken' },
  },
};
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', maxLength: 255 },
};

function errorsOf(row: Route): readonly ErrorCode[] {
  const hasBody = row.method === 'post' || row.method === 'patch';
  return [
    ...ANY_ROUTE,
    ...(row.who !== 'anyone' || row.creates ? WITH_KEY : []),
    ...(hasBody ? WITH_BODY : []),
    ...(row.query ? (['invalid_request'] as const) : []),
    ...(takesCursor(row) ? (['invalid_cursor'] as const) : []),
    ...(row.creates ? (['idempotency_key_reuse'] as const) : []),
    ...(row.path.includes(':') ? (['not_found'] as const) : []),
    ...(row.errors ?? []),
  ];
}

const takesCursor = (row: Route): boolean => queryParameters(row).some(({ name }) => name === 'cursor');

function operationId({ method, path }: Route): string {
  const words = path.split('/').filter((part) => part !== '' && part !== 'v1' && !part.startsWith(':'));
  const byId = path.includes(':') ? '_one' : '';
  return `${method}_${words.join('_').replaceAll(/[^a-z_]/g, '_')}${byId}`;
}

const pathParameters = ({ path }: Route): Json[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));

function queryParameters({ query }: Route): Json[] {
  if (query === undefined) return [];
  const { properties = {} } = schemaOf(query, 'input') as { properties?: Record<string, unknown> }; // of an object schema
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

const json = (schema: z.ZodType, io: 'input' | 'output'): Json => ({
  'application/json': { schema: schemaOf(schema, io) },
});

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
