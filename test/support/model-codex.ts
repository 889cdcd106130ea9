/** The OpenAI Responses API, as much of it as Codex uses. https://platform.openai.com/docs/api-reference/responses-streaming */
import { type Dialect, sendEvents, stringsIn } from './model-server.ts';

export const codexModel: Dialect = {
  kindOf(url, body) {
    if (!/\/responses(\?|$)/.test(url)) return undefined;
    const { tools, input } = body;
    const offersTools = Array.isArray(tools) && tools.length > 0;
    const addsTools = Array.isArray(input) && input.some((item) => item?.type === 'additional_tools');
    return offersTools || addsTools ? 'main' : 'side';
  },
  textsOf: (body) => stringsIn(body['input']),
  answer(response, { body }, { text, tools, n }) {
    const said = {
      type: 'message',
      id: `model_${n}`,
      role: 'assistant',
      content: [{ type: 'output_text', text, annotations: [] }],
    };
    const calls = tools.map(({ name, namespace, input }, index) => ({
      type: 'function_call',
      id: `fc_${n}_${index}`,
      call_id: `call_${n}_${index}`,
      name,
      ...(namespace !== undefined && { namespace }),
      arguments: JSON.stringify(input ?? {}),
    }));
    const output = [...(text !== '' || calls.length === 0 ? [said] : []), ...calls];
    const items = output.map((item) => ({ ...item, status: 'completed' }));
    const start = { id: `resp_${n}`, object: 'response', created_at: 0, model: body['model'], output: [] };
    const usage = { input_tokens: 100, output_tokens: 20, total_tokens: 120 };
    const events: [string, object][] = [['response.created', { response: { ...start, status: 'in_progress' } }]];
    for (const [index, item] of items.entries()) {
      events.push(['response.output_item.added', { output_index: index, item: { ...item, status: 'in_progress' } }]);
      events.push(['response.output_item.done', { output_index: index, item }]);
    }
    events.push(['response.completed', { response: { ...start, status: 'completed', output: items, usage } }]);
    sendEvents(
      response,
      events.map(([type, data], index) => [type, { type, sequence_number: index, ...data }] as const),
    );
  },
};
