/** The OpenAPI 3.1 description, made from the routes and the wire schemas. */
import { z } from 'zod';
import { ERRORS } from '../errors.ts';
import { ErrorAnswer } from '../wire.ts';
import type { Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

/** Errors any route of that kind may answer with. */
const COMMON_ERRORS = {
  anyone: ['503'],
  key: ['401', '503'],
  agent: ['401', '403', '503'],
  admin: ['401', '403', '503'],
} as const;

export function openApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const row of routes) {
    const path = row.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [row.method]: operation(row) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Turnpost relay', version, description: `Errors carry one of: ${Object.keys(ERRORS).join(', ')}.` },
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: z.toJSONSchema(ErrorAnswer, { io: 'output' }) },
    },
  };
}

function operation(row: Route): Json {
  return {
    summary: row.summary,
    operationId: operationId(row),
    ...(row.who !== 'anyone' && { security: [{ key: [] }], 'x-who': row.who }),
    parameters: [...pathParameters(row), ...queryParameters(row), ...(row.creates ? [IDEMPOTENCY_KEY] : [])],
    ...(row.body && { requestBody: { required: true, content: json(row.body, 'input') } }),
    responses: {
      [String(row.status ?? 200)]: {
        description: row.summary,
        ...(row.answer && { content: json(row.answer, 'output') }),
      },
      ...Object.fromEntries(errorsOf(row).map((status) => [status, ERROR])),
    },
  };
}

const ERROR = {
  description: 'Error',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
};
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', maxLength: 255 },
};

function errorsOf(row: Route): readonly string[] {
  return [
    ...COMMON_ERRORS[row.who],
    ...(row.path.includes(':') ? ['404'] : []),
    ...(row.body || row.query ? ['422'] : []),
  ];
}

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
