/** Holds an answer against an OpenAPI description: the status must be declared, and the body must be what is described. */
import { z } from 'zod';
import type { Reply } from './relay-fixture.ts';

interface Schema {
  readonly $ref?: string;
}

export interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, { schema?: Schema }>> }>
  >;
  readonly requestBody?: object;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly security?: readonly object[];
}

export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: { readonly Error: object } };
}

/** Throws an Error that says what does not fit. Answers of no route (404, 405) need only be errors of our shape. */
export function checkAnswer(api: OpenApi, method: string, where: string, reply: Reply): void {
  const operation = findOperation(api, method, where);
  if (operation === undefined) {
    if (reply.text !== '') fits(api.components.schemas.Error, reply, `${method} ${where}`);
    return;
  }
  const name = `${method} ${where} -> ${reply.status}`;
  const described = operation.responses[String(reply.status)];
  if (described === undefined) throw new Error(`${name} is not in /openapi.json: ${reply.text}`);
  if (reply.code !== '') checkCode(described.description, reply, name);
  const schema = described.content?.['application/json']?.schema;
  // HEAD has no body, and a hook's answer belongs to the host.
  if (schema === undefined || method === 'HEAD') return;
  fits(schema.$ref === undefined ? schema : api.components.schemas.Error, reply, name);
}

function checkCode(description: string, reply: Reply, name: string): void {
  const { code } = reply;
  if (!description.split(', ').includes(code)) throw new Error(`${name}: ${code} is not described (${description})`);
}

const schemas = new Map<string, z.ZodType>();

function fits(schema: object, reply: Reply, name: string): void {
  const text = JSON.stringify(schema);
  const known = schemas.get(text) ?? z.fromJSONSchema(JSON.parse(text));
  schemas.set(text, known);
  const read = known.safeParse(reply.json);
  if (!read.success) throw new Error(`${name} is not as described: ${z.prettifyError(read.error)}\n${reply.text}`);
}

export function findOperation(api: OpenApi, method: string, where: string): Operation | undefined {
  const pathname = where.replace(/\?.*$/, '');
  const fitting = Object.keys(api.paths).filter((template) => matches(template, pathname));
  // `me` is a name of its own: the path with the fewest parameters wins.
  const [best] = fitting.toSorted((a, b) => a.split('{').length - b.split('{').length);
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
  return best === undefined ? undefined : api.paths[best]?.[verb];
}

function matches(template: string, pathname: string): boolean {
  const wanted = template.split('/');
  const given = pathname.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith('{') ? given[i] !== '' : part === given[i]))
  );
}
