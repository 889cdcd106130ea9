/** The Anthropic Messages API, as much of it as Claude Code uses. https://docs.anthropic.com/en/api/messages-streaming */
import type { ServerResponse } from 'node:http';
import { type Answer, type Dialect, JSON_TYPE, type ModelRequest, sendEvents, stringsIn } from './model-server.ts';

export const claudeModel: Dialect = {
  kindOf(url, body) {
    if (!/\/v1\/messages(\/count_tokens)?(\?|$)/.test(url)) return undefined;
    const tools = body['tools'];
    return Array.isArray(tools) && tools.length > 0 && !url.includes('count_tokens') ? 'main' : 'side';
  },
  textsOf: (body) => stringsIn(body['messages']),
  answer(response, { url, body }, answer) {
    if (url.includes('count_tokens')) return void response.writeHead(200, JSON_TYPE).end('{"input_tokens":100}');
    send(response, body, answer);
  },
};

function send(response: ServerResponse, body: ModelRequest['body'], { text, tools, n }: Answer): void {
  const calls = tools.map(({ name, input }, index) => ({
    type: 'tool_use',
    id: `toolu_${n}_${index}`,
    name,
    input: input ?? {},
  }));
  const content = [...(text !== '' || calls.length === 0 ? [{ type: 'text', text }] : []), ...calls];
  const reason = calls.length > 0 ? 'tool_use' : 'end_turn';
  const usage = { input_tokens: 100, output_tokens: 20 };
  const message = {
    id: `model_${n}`,
    type: 'message',
    role: 'assistant',
    model: body['model'],
    stop_sequence: null,
    usage,
  };
  if (body['stream'] !== true) {
    return void response.writeHead(200, JSON_TYPE).end(JSON.stringify({ ...message, content, stop_reason: reason }));
  }
  const events: [string, object][] = [['message_start', { message: { ...message, content: [], stop_reason: null } }]];
  for (const [index, block] of content.entries()) {
    const [empty, delta] =
      'text' in block
        ? [
            { type: 'text', text: '' },
            { type: 'text_delta', text: block.text },
          ]
        : [
            { ...block, input: {} },
            { type: 'input_json_delta', partial_json: JSON.stringify(block.input) },
          ];
    events.push(['content_block_start', { index, content_block: empty }]);
    events.push(['content_block_delta', { index, delta }], ['content_block_stop', { index }]);
  }
  events.push(['message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage }], ['message_stop', {}]);
  sendEvents(
    response,
    events.map(([type, data]) => [type, { type, ...data }] as const),
  );
}
