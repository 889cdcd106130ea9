/** The part of the HTTP interface that is about disposable inboxes, as methods of `client.inboxes`. */
import type { z } from 'zod';
import {
  ANY_INBOX,
  CreatedInbox,
  DeletedInbox,
  ExtractedCode,
  ExtractedLink,
  type ExtractLinkBody,
  Inbox,
  type InboxBody,
  Inboxes,
  type InboxListQuery,
  type InboxMailQuery,
  InboxMails,
  InboxWaitAnswer,
  WholeInboxMail,
  type WireInboxWait,
} from '../relay/wire-inboxes.ts';
import type { Call } from './turnpost-client.ts';

/** One request and its checked answer. */
type Ask = <T extends z.ZodType>(method: string, path: string, schema: T, call?: Call) => Promise<z.infer<T>>;

const PATH = '/v1/inboxes';
const inbox = (address: string, rest = ''): string => `${PATH}/${encodeURIComponent(address)}${rest}`;
const mail = (id: string, rest = ''): string => inbox(ANY_INBOX, `/messages/${encodeURIComponent(id)}${rest}`);

export type InboxCalls = ReturnType<typeof inboxCalls>;

export function inboxCalls(ask: Ask) {
  return {
    create: (body: z.infer<typeof InboxBody> = {}) => ask('POST', PATH, CreatedInbox, { body, creates: true }),
    list: (query: z.infer<typeof InboxListQuery> = {}) => ask('GET', PATH, Inboxes, { query }),
    get: (address: string) => ask('GET', inbox(address), Inbox),
    delete: (address: string) => ask('DELETE', inbox(address), DeletedInbox),
    /** Without the texts, newest first. */
    mails: (address: string, query: z.infer<typeof InboxMailQuery> = {}) =>
      ask('GET', inbox(address, '/messages'), InboxMails, { query }),
    /** Changes nothing. */
    mail: (id: string) => ask('GET', mail(id), WholeInboxMail),
    /** Counts as read from then on. */
    read: (id: string) => ask('POST', mail(id, '/read'), WholeInboxMail, { body: {} }),
    /** @param waitMs how long `body.timeout` is: the answer may take that much longer. */
    wait: (address: string, body: WireInboxWait, options: { waitMs?: number; signal?: AbortSignal } = {}) =>
      ask('POST', inbox(address, '/wait'), InboxWaitAnswer, { body, ...options }),
    extractCode: (id: string) => ask('POST', mail(id, '/extract-code'), ExtractedCode, { body: {} }),
    extractLink: (id: string, body: z.infer<typeof ExtractLinkBody> = {}) =>
      ask('POST', mail(id, '/extract-link'), ExtractedLink, { body }),
  };
}
