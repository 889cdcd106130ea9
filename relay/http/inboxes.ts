/** /v1/inboxes: disposable inboxes, their mail, and waiting for it. What a mail says is a stranger's word: see inbox-mail.ts. */
import type { WaitForMail } from '../broker/claims.ts';
import type { BrokerDeps } from '../broker/deps.ts';
import { getInboxMail, readInboxMail, waitForInboxMail } from '../broker/inboxes/inbox-mail.ts';
import { readerOf } from '../broker/inboxes/inbox-owner.ts';
import { createInbox, deleteInbox, getInbox } from '../broker/inboxes/inboxes.ts';
import type { InboxMail } from '../disposable-inbox.ts';
import * as wire from '../wire-inboxes.ts';
import { durationField } from './duration-field.ts';
import {
  type InboxViewer,
  viewCode,
  viewCreatedInbox,
  viewInbox,
  viewInboxMail,
  viewLink,
  viewWholeInboxMail,
} from './inbox-views.ts';
import { type Context, type Route, route } from './route.ts';
import { sendAttachment } from './send-attachment.ts';
import { viewPage } from './views.ts';

const DEFAULT_PAGE = 50;
const LONGEST_WAIT = '10m';
const USUAL_WAIT_MS = 60_000;
const PATH = '/v1/inboxes';
const MAIL = `${PATH}/:address/messages/:id`;

interface InboxOptions {
  readonly wait: WaitForMail;
  /** Aborts when the relay is about to stop. */
  readonly stopping: AbortSignal;
}

/** Null: whichever of the caller's inboxes has it. */
const addressIn = ({ param }: Context<unknown, unknown>): string | null =>
  param('address') === wire.ANY_INBOX ? null : param('address');

export function inboxRoutes(deps: BrokerDeps, options: InboxOptions): Route[] {
  return [...inboxesThemselves(deps), ...mailRoutes(deps), waitRoute(deps, options), ...extractRoutes(deps)];
}

function inboxesThemselves(deps: BrokerDeps): Route[] {
  const viewer = (): InboxViewer => ({ now: deps.clock.now(), retentionMs: deps.settings.inboxes.retentionMs });
  return [
    route({
      method: 'post',
      path: PATH,
      who: 'inbox',
      summary: 'Make a disposable inbox; without a key, where that is allowed, the answer holds a session token',
      body: wire.InboxBody,
      status: 201,
      answer: wire.CreatedInbox,
      errors: ['quota_exceeded', 'rate_limited'],
      creates: true,
      async handle({ body, inboxOwner, receipt }) {
        const view = (made: Parameters<typeof viewCreatedInbox>[0]) => viewCreatedInbox(made, viewer());
        const receiptFor = receipt && ((made: Parameters<typeof view>[0]) => receipt(201, view(made)));
        const wish = { ttlMinutes: body.ttl_minutes, label: body.label };
        return { body: view(await createInbox(deps, inboxOwner(), wish, receiptFor)) };
      },
    }),
    route({
      method: 'get',
      path: PATH,
      who: 'inbox',
      summary: "The caller's inboxes with their counts, newest first",
      query: wire.InboxListQuery,
      answer: wire.Inboxes,
      async handle({ inboxOwner, query: { cursor, limit = DEFAULT_PAGE } }) {
        const page = await deps.stores.inboxes.list(readerOf(deps, inboxOwner()), { cursor, limit });
        return { body: viewPage(page, (inbox) => viewInbox(inbox, viewer())) };
      },
    }),
    route({
      method: 'get',
      path: `${PATH}/:address`,
      who: 'inbox',
      summary: 'One inbox with its counts',
      answer: wire.Inbox,
      handle: async ({ inboxOwner, param }) => ({
        body: viewInbox(await getInbox(deps, inboxOwner(), param('address')), viewer()),
      }),
    }),
    route({
      method: 'delete',
      path: `${PATH}/:address`,
      who: 'inbox',
      summary: 'End an inbox: it takes no mail, and what it has is gone at once',
      answer: wire.DeletedInbox,
      async handle({ inboxOwner, param }) {
        const { address } = await deleteInbox(deps, inboxOwner(), param('address'));
        return { body: { deleted: true, address } };
      },
    }),
  ];
}

function mailRoutes(deps: BrokerDeps): Route[] {
  const mailOf = (context: Context<unknown, unknown>): Promise<InboxMail> =>
    getInboxMail(deps, context.inboxOwner(), addressIn(context), context.param('id'));
  return [
    route({
      method: 'get',
      path: `${PATH}/:address/messages`,
      who: 'inbox',
      summary: 'What came to an inbox, newest first, without the texts',
      operationId: 'get_inboxes_messages',
      query: wire.InboxMailQuery,
      answer: wire.InboxMails,
      async handle({ inboxOwner, param, query: { cursor, limit = DEFAULT_PAGE, since, from, subject } }) {
        const inbox = await getInbox(deps, inboxOwner(), param('address'));
        const filter = { since: since === undefined ? undefined : Date.parse(since), from, subject };
        const page = await deps.stores.inboxes.mails(inbox.id, filter, { cursor, limit });
        return { body: viewPage(page, viewInboxMail) };
      },
    }),
    route({
      method: 'get',
      path: MAIL,
      who: 'inbox',
      summary: 'One email with its text; changes nothing. `any` for the address: in whichever inbox',
      answer: wire.WholeInboxMail,
      handle: async (context) => ({ body: viewWholeInboxMail(await mailOf(context)) }),
    }),
    route({
      method: 'post',
      path: `${MAIL}/read`,
      who: 'inbox',
      summary: 'One email with its text; it counts as read from now on',
      answer: wire.WholeInboxMail,
      handle: async (context) => ({
        body: viewWholeInboxMail(
          await readInboxMail(deps, context.inboxOwner(), addressIn(context), context.param('id')),
        ),
      }),
    }),
    route({
      method: 'get',
      path: `${MAIL}/attachments/:n`,
      who: 'inbox',
      summary: 'The bytes of one attachment',
      media: 'application/octet-stream',
      async handle(context) {
        const mail = await mailOf(context);
        return sendAttachment(context, (index) => deps.stores.inboxes.attachment(mail.id, index));
      },
    }),
  ];
}

function waitRoute(deps: BrokerDeps, { wait, stopping }: InboxOptions): Route {
  return route({
    method: 'post',
    path: `${PATH}/:address/wait`,
    who: 'inbox',
    summary: 'Wait for mail: what came after `since`, or without it only what comes from now on',
    body: wire.InboxWaitBody,
    answer: wire.InboxWaitAnswer,
    errors: ['invalid_cursor', 'expired'],
    async handle({ body, inboxOwner, param, signal }) {
      const at = body.since === undefined ? Number.NaN : Date.parse(body.since);
      const isTime = body.since !== undefined && /^\d{4}-/.test(body.since) && !Number.isNaN(at);
      const found = await waitForInboxMail(deps, wait, inboxOwner(), param('address'), {
        after: isTime ? undefined : body.since,
        filter: { since: isTime ? at : undefined, from: body.from, subject: body.subject },
        waitMs: durationField('timeout', body.timeout, LONGEST_WAIT) ?? USUAL_WAIT_MS,
        signal: AbortSignal.any([signal(), stopping]),
      });
      return { body: { items: found.items.map(viewInboxMail), since: found.position } };
    },
  });
}

function extractRoutes(deps: BrokerDeps): Route[] {
  const mailOf = (context: Context<unknown, unknown>): Promise<InboxMail> =>
    getInboxMail(deps, context.inboxOwner(), addressIn(context), context.param('id'));
  return [
    route({
      method: 'post',
      path: `${MAIL}/extract-code`,
      who: 'inbox',
      summary: 'The one-time code in an email, and what else could be it',
      answer: wire.ExtractedCode,
      handle: async (context) => ({ body: viewCode(await mailOf(context)) }),
    }),
    route({
      method: 'post',
      path: `${MAIL}/extract-link`,
      who: 'inbox',
      summary: 'The link in an email that confirms, verifies or signs in, and what else could be it',
      body: wire.ExtractLinkBody,
      answer: wire.ExtractedLink,
      handle: async (context) => ({ body: viewLink(await mailOf(context), context.body.preferred_domains ?? []) }),
    }),
  ];
}
