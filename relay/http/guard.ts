/**
 * Refuses what a browser was tricked into sending (DNS rebinding): over TCP the Host header must name this relay, and so
 * must Origin where there is one. A Host that is an IP address cannot be rebound; an Origin must be that very host, or a
 * name that is allowed. The Unix socket has the file system's guard.
 */
import { isIP, type Socket } from 'node:net';
import type { Request, RequestHandler } from 'express';
import { RelayError } from '../errors.ts';

export function hostGuard(names: readonly string[]): RequestHandler {
  const allowed = new Set(['localhost', ...names.map((name) => name.toLowerCase())]);
  /** Callers come with the same header again and again, and reading it as a URL costs as much as a query. */
  let lastOurs: string | undefined;
  const isOurs = (url: string): boolean => {
    if (url === lastOurs) return true;
    const ours = readsAsOurs(url);
    if (ours) lastOurs = url;
    return ours;
  };
  const readsAsOurs = (url: string): boolean => {
    if (!URL.canParse(url)) return false;
    const host = new URL(url).hostname.toLowerCase().replace(/^\[|\]$/g, '');
    return isIP(host) !== 0 || allowed.has(host);
  };
  const isOurOrigin = (origin: string, host: string): boolean => {
    if (!URL.canParse(origin)) return false;
    const { host: from, hostname } = new URL(origin);
    return from === host.toLowerCase() || allowed.has(hostname.toLowerCase());
  };
  return (req, _res, next) => {
    if (isSocket(req)) return next();
    if (!isOurs(`http://${req.headers.host ?? ''}`)) {
      throw new RelayError('forbidden', {
        message:
          'The Host header names another server. Set TURNPOST_PUBLIC_URL to the address this relay is reached under.',
      });
    }
    const { origin } = req.headers;
    if (origin !== undefined && !isOurOrigin(origin, req.headers.host ?? ''))
      throw new RelayError('forbidden', { message: 'Pages of other sites may not call this relay.' });
    next();
  };
}

/** Connections of the Unix socket. A missing remote address would not do: a TCP connection that was reset has none either. */
const unixSockets = new WeakSet<Socket>();

export function markUnixSocket(socket: Socket): void {
  unixSockets.add(socket);
}

const isSocket = (req: Request): boolean => unixSockets.has(req.socket);

/** From this machine, and not passed on by a proxy on it. */
export function isLoopback(req: Request): boolean {
  if (isSocket(req)) return true;
  if (req.headers.forwarded !== undefined || req.headers['x-forwarded-for'] !== undefined) return false;
  const address = req.socket.remoteAddress ?? '';
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
