/** The body of a request to /mcp, and errors in the relay's own form (docs/errors.md) beside the protocol's. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Undefined where the request was refused. */
export async function readJson(req: IncomingMessage, res: ServerResponse, maxBytes: number): Promise<unknown> {
  const body = await readUpTo(maxBytes, req);
  if (body === undefined) {
    // The rest is not read: the connection cannot be used again.
    const headers = { connection: 'close' };
    answerError(res, 413, 'too_large', 'The body is over the size limit (TURNPOST_MAX_MESSAGE).', headers);
    return undefined;
  }
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    answerError(res, 400, 'malformed_json', 'The body is not valid JSON. Send one JSON-RPC message.');
    return undefined;
  }
}

/** Undefined where there is more, or the caller went away. */
function readUpTo(maxBytes: number, req: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= maxBytes) return;
      // Not destroyed: that would take the answer with it.
      req.off('data', take).pause();
      resolve(undefined);
    };
    req.on('data', take);
    req.once('end', () => resolve(Buffer.concat(chunks)));
    req.once('error', () => resolve(undefined));
  });
}

/** In the relay's own form; hosts show the text of whatever is no success. */
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
