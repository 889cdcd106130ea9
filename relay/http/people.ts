/**
 * What people reach by a link in an email, without a key: a page to stop an agent's mail (RFC 8058), and a file that was
 * too large for an email. The secret is in the link.
 */
import type { Response } from 'express';
import type { BrokerDeps } from '../broker/deps.ts';
import { openFileLink } from '../broker/outbox/file-links.ts';
import { findUnsubscription, unsubscribe } from '../broker/outbox/unsubscribe.ts';
import { keepPrivate, sendPage } from './page.ts';
import { type Context, type Route, route } from './route.ts';

export function peopleRoutes(deps: BrokerDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/u/:token',
      who: 'anyone',
      summary: "A page that asks whether to stop an agent's mail to the person who has the link; changes nothing",
      pages: [200, 404],
      handle: async ({ param, res }) => askFirst(deps, param('token'), res),
    }),
    route({
      method: 'post',
      path: '/u/:token',
      who: 'anyone',
      summary: "Stops that agent's mail to that person (RFC 8058, one click)",
      foreignBody: true,
      pages: [200, 404],
      handle: async ({ param, res }) => stop(deps, param('token'), res),
    }),
    route({
      method: 'get',
      path: '/f/:token',
      who: 'anyone',
      summary: 'A file that was too large for an email, for 14 days',
      media: 'application/octet-stream',
      pages: [404, 410],
      handle: async (context) => sendFile(deps, context),
    }),
  ];
}

function noSuchLink(res: Response): undefined {
  const lines = ['This link is not one of ours, or not the whole of one. Copy it from the email once more.'];
  sendPage(res, 404, { title: 'Nothing here', lines });
}

async function askFirst(deps: BrokerDeps, token: string, res: Response): Promise<undefined> {
  const found = await findUnsubscription(deps, token);
  if (found === undefined) return noSuchLink(res);
  const { address } = found.route;
  sendPage(res, 200, {
    title: 'No more mail?',
    lines: [`The agent ${found.agent} will send no further email to ${address}.`],
    button: 'Stop this mail',
  });
}

async function stop(deps: BrokerDeps, token: string, res: Response): Promise<undefined> {
  const found = await findUnsubscription(deps, token);
  if (found === undefined) return noSuchLink(res);
  await unsubscribe(deps, found.route, 'link');
  sendPage(res, 200, {
    title: 'Stopped',
    lines: [`The agent ${found.agent} sends no further email to ${found.route.address}.`],
  });
}

async function sendFile(deps: BrokerDeps, { param, res }: Context<unknown, unknown>): Promise<undefined> {
  const found = await openFileLink(deps, param('token'));
  if (found.kind === 'unknown') return noSuchLink(res);
  if (found.kind === 'over') {
    const lines = [
      `This file could be had until ${new Date(found.until).toISOString().slice(0, 10)}. Answer the email to ask for it again.`,
    ];
    sendPage(res, 410, { title: 'Its time is over', lines });
    return undefined;
  }
  keepPrivate(res);
  // Bytes from anywhere: saved, never shown, and should a program show them after all, without any rights.
  res.setHeader('Content-Type', 'application/octet-stream');
  res.setHeader('Content-Security-Policy', "sandbox; default-src 'none'");
  res.setHeader('Content-Disposition', savedAs(found.file.filename));
  res.send(found.file.content);
  return undefined;
}

const LONGEST_NAME = 150;

/** RFC 6266 section 4: a name in ASCII for everybody, and the real one (RFC 8187). No path, no control, no direction mark. */
export function savedAs(filename: string): string {
  const plain = filename.replace(/[/\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, '_').replace(/^\.+/, '_');
  const name = [...plain.trim()].slice(0, LONGEST_NAME).join('') || 'file';
  const ascii = name.replace(/[^\x20-\x7e]|["%]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
