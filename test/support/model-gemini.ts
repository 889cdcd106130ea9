/** The Gemini API, as much of it as Gemini CLI uses. https://ai.google.dev/api/generate-content */
import { type Dialect, JSON_TYPE, sendEvents, stringsIn } from './model-server.ts';

export const geminiModel: Dialect = {
  kindOf(url, body) {
    const [, verb] = /\/models\/[^/:?]+:(\w+)/.exec(url) ?? [];
    if (verb === undefined) return undefined;
    const tools = body['tools'];
    return verb === 'streamGenerateContent' && Array.isArray(tools) && tools.length > 0 ? 'main' : 'side';
  },
  textsOf: (body) => stringsIn(body['contents']),
  answer(response, { url, kind, body }, { text, tools, n }) {
    if (url.includes(':countTokens')) return void response.writeHead(200, JSON_TYPE).end('{"totalTokens":100}');
    const calls = tools.map(({ name, input }, index) => ({
      functionCall: { id: `call_${n}_${index}`, name, args: input ?? {} },
    }));
    const said = kind === 'side' ? sideAnswer(body) : text;
    const parts = [...(said !== '' || calls.length === 0 ? [{ text: said }] : []), ...calls];
    const answer = {
      candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 },
    };
    if (url.includes(':streamGenerateContent')) return sendEvents(response, [[null, answer]]);
    response.writeHead(200, JSON_TYPE).end(JSON.stringify(answer));
  },
};

interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Side questions (which model, who speaks next) want JSON that fits their schema. */
function sideAnswer(body: Readonly<Record<string, unknown>>): string {
  // The fields are Google's; what is missing becomes undefined and is answered with an empty object.
  const config = body['generationConfig'] as { responseJsonSchema?: Schema; responseSchema?: Schema } | undefined;
  return JSON.stringify(fill(config?.responseJsonSchema ?? config?.responseSchema));
}

function fill(schema: Schema | undefined): unknown {
  if (schema?.enum !== undefined) return schema.enum.includes('user') ? 'user' : schema.enum[0];
  switch (schema?.type?.toLowerCase()) {
    case 'array':
      return [];
    case 'boolean':
      return false;
    case 'number':
    case 'integer':
      return 0;
    case 'string':
      return 'test';
    default:
      return Object.fromEntries(Object.entries(schema?.properties ?? {}).map(([name, inner]) => [name, fill(inner)]));
  }
}
