/** The key a request carries: `Authorization: Bearer KEY` (RFC 6750 section 2.1), never from the URL, which is logged. */
import type { Request } from 'express';

export function bearer(req: Request): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,200})$/i.exec(req.headers.authorization ?? '')?.[1];
}
