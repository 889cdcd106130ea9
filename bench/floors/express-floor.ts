/**
 * The floor of the HTTP lines: Express 5 that parses the same JSON and answers, with no key, no store and no rule.
 * `/wait/NAME` is held until somebody posts to `/send/NAME`.
 */
import process from 'node:process';
import express, { type Response } from 'express';

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.use(express.json());

app.post('/v1/hooks/:host/:event', (_req, res) => {
  res.status(200).end();
});

app.post('/v1/agents/me/messages', (req, res) => {
  res.status(201).json({ to: req.body.to, length: req.body.body.length });
});

const waiting = new Map<string, Response>();

app.post('/wait/:name', (req, res) => {
  waiting.set(req.params.name, res);
});

app.post('/send/:name', (req, res) => {
  res.status(201).json({ to: req.body.to });
  waiting.get(req.params.name)?.json({ items: [req.body] });
  waiting.delete(req.params.name);
});

app.get('/waiting', (_req, res) => {
  res.send(String(waiting.size));
});

const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' && address !== null ? address.port : '');
});
// As the relay's: the connections of the floor are idle while ours are measured.
server.keepAliveTimeout = 65_000;

// Ends when the bench does.
process.stdin.resume().on('end', () => process.exit());
