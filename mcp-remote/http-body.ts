/** The body of a request to /mcp, and errors in the relay's own form (docs/errors.md) beside the protocol's. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Undefined where the request was refused. */
export async function readJson(req: IncomingMessage, res: ServerResponse, maxBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The stream was given no encoding, so its chunks are buffers.
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      answerError(res, 413, 'too_large', 'The body is over the size limit (TURNPOST_MAX_MESSAGE).');
      return undefined;
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    answerError(res, 400, 'malformed_json', 'The body is not valid JSON. Send one JSON-RPC message.');
    return undefined;
  }
}

export function answerError(
  res: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const error = { code, message, request_id: randomUUID() };
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ error }));
}
