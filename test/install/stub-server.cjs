/** Stands for `turnpost mcp`: a stdio MCP server with one tool, which answers with the arguments it was started with. */
const { createInterface } = require('node:readline');

const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'turnpost', version: '0' },
  }),
  'tools/list': () => ({
    tools: [{ name: 'whoami', description: 'Who am I', inputSchema: { type: 'object', properties: {} } }],
  }),
  'tools/call': () => ({ content: [{ type: 'text', text: `STARTED WITH ${process.argv.slice(2).join(' ')}` }] }),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id !== undefined) {
    const result = answers[method]?.(params) ?? {};
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
  }
});
