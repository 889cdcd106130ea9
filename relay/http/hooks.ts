/**
 * /v1/hooks/{host}/{event}: what a host's hook asks. The body is the host's own JSON and may hold anything; the answer
 * is what that host reads, or an empty 200.
 */
import type { SessionTurns } from '../broker/session-turns.ts';
import { RelayError } from '../errors.ts';
import { findHost } from '../hosts/registry.ts';
import { type Context, type Route, route } from './route.ts';

const MAX_SEEN = 200;

export function hookRoutes(turns: SessionTurns): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/hooks/:host/:event',
      who: 'agent',
      summary: "What a host's hook asks; the body is the host's own, and so is the answer, which may be empty",
      foreignBody: true,
      media: 'application/json',
      errors: ['host_unknown', 'event_unknown'],
      handle: (context) => answerHook(turns, context),
    }),
  ];
}

async function answerHook(turns: SessionTurns, context: Context<unknown, unknown>): Promise<undefined> {
  const { req, res, param } = context;
  const host = findHost(param('host'));
  if (host === undefined) throw new RelayError('host_unknown');
  const call = host.readCall(param('event'), req.body);
  const seen = readSeen(req.headers['x-turnpost-seen']);
  const { text, written } = await turns.answer({ caller: context.agent(), host, call, seen });
  res.on('finish', written);
  if (text !== '') res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.status(200).end(text);
  return undefined;
}

/** A command hook always sends the header, empty where it found nothing; without it the host itself is calling. */
function readSeen(header: string | string[] | undefined): readonly string[] | null {
  if (header === undefined) return null;
  return String(header)
    .split(',')
    .map((id) => id.trim())
    .filter((id) => /^msg_[0-9a-z]{26}$/.test(id))
    .slice(0, MAX_SEEN);
}
