/** The one place where an error becomes an HTTP answer. */
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Clock } from '../clock.ts';
import { RelayError, toRelayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';

export function errorHandler(log: Log, clock: Clock): ErrorRequestHandler {
  // Express tells error handlers apart by their four parameters; keep all four.
  return (thrown: unknown, req, res, _next) => {
    const error = toRelayError(fromExpress(thrown));
    const request_id = newId('req', clock.now());
    const fields = { request_id, method: req.method, path: req.path, code: error.code };
    if (error.code === 'internal' || error.code === 'unavailable')
      log.error({ ...fields, cause: error.cause }, 'request failed');
    else log.debug(fields, 'request refused');
    if (res.headersSent) {
      // Half an answer must not look like a whole one.
      res.destroy();
      return;
    }
    const { retryAfterSeconds } = error;
    if (retryAfterSeconds !== undefined) res.setHeader('Retry-After', String(retryAfterSeconds));
    if (error.code === 'unauthorized') res.setHeader('WWW-Authenticate', 'Bearer realm="turnpost"');
    const { code, message, details } = error;
    res.status(error.spec.status).json({ error: { code, message, ...(details && { details }), request_id } });
  };
}

/** body-parser marks its errors with `type`: https://github.com/expressjs/body-parser#errors */
function fromExpress(thrown: unknown): unknown {
  // A path that is no valid percent-encoding.
  if (thrown instanceof URIError) return new RelayError('not_found', { cause: thrown });
  const type = typeof thrown === 'object' && thrown !== null && 'type' in thrown ? thrown.type : undefined;
  switch (type) {
    case 'entity.parse.failed':
    case 'request.size.invalid':
    case 'request.aborted':
      return new RelayError('malformed_json', { cause: thrown });
    case 'entity.too.large':
      return new RelayError('too_large', { cause: thrown });
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new RelayError('unsupported_media_type', { cause: thrown });
    default:
      // What zlib says of a compressed body that is none has a status and no type.
      return isBadRequest(thrown) ? new RelayError('malformed_json', { cause: thrown }) : thrown;
  }
}

const isBadRequest = (thrown: unknown): boolean =>
  thrown instanceof Error && 'status' in thrown && thrown.status === 400;

export const notFound: RequestHandler = (req) => {
  throw new RelayError('not_found', { message: `There is nothing at ${req.path}; /openapi.json lists what there is.` });
};
