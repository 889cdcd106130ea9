/** /v1/agents/me/messages and /v1/threads: sending, reading, acknowledging, answering. */
import { type Accepted, acceptMessage, type Outgoing } from '../broker/accept.ts';
import { acknowledge } from '../broker/claims.ts';
import type { BrokerDeps } from '../broker/deps.ts';
import { RelayError } from '../errors.ts';
import type { SeenMessage } from '../store/stores.ts';
import * as wire from '../wire.ts';
import { type Context, type Route, route } from './route.ts';
import { sendAttachment } from './send-attachment.ts';
import { viewMessage, viewPage, viewThread } from './views.ts';

const DEFAULT_PAGE = 50;
const PATH = '/v1/agents/me/messages';
const SEND_ERRORS = ['suppressed', 'not_found', 'recipient_unknown', 'blocked_by_policy'] as const;

export function messageRoutes(deps: BrokerDeps): Route[] {
  const { messages } = deps.stores;
  const seen = async (context: Context<unknown, unknown>): Promise<SeenMessage> => {
    const found = await messages.findSeen(context.agent().agent.id, context.param('id'));
    if (found === undefined)
      throw new RelayError('not_found', { message: `You have no message ${context.param('id')}.` });
    return found;
  };

  return [
    route({
      method: 'post',
      path: PATH,
      who: 'agent',
      summary: 'Send a message to agents or by email',
      errors: SEND_ERRORS,
      body: wire.SendBody,
      status: 201,
      answer: wire.Message,
      creates: true,
      handle: (context) => accept(deps, context, toOutgoing(context.body, context.sessionId)),
    }),
    route({
      method: 'get',
      path: PATH,
      who: 'agent',
      summary: 'Messages of this agent, newest first; changes nothing',
      query: wire.MessageListQuery,
      answer: wire.page(wire.Message),
      async handle(context) {
        const { cursor, limit = DEFAULT_PAGE, direction = 'inbound', state, thread_id, since } = context.query;
        const filter = {
          direction,
          state,
          threadId: thread_id,
          since: since === undefined ? undefined : Date.parse(since),
        };
        return {
          body: viewPage(await messages.list(context.agent().agent.id, filter, { cursor, limit }), viewMessage),
        };
      },
    }),
    route({
      method: 'get',
      path: `${PATH}/:id`,
      who: 'agent',
      summary: 'One message; changes nothing',
      answer: wire.Message,
      handle: async (context) => ({ body: viewMessage(await seen(context)) }),
    }),
    route({
      method: 'get',
      path: `${PATH}/:id/attachments/:n`,
      who: 'agent',
      summary: 'The bytes of one attachment',
      media: 'application/octet-stream',
      async handle(context) {
        const { message } = await seen(context);
        return sendAttachment(context, (index) => messages.attachment(message.id, index));
      },
    }),
    route({
      method: 'post',
      path: `${PATH}/:id/ack`,
      who: 'agent',
      summary: 'The agent has it: evidence',
      answer: wire.Message,
      handle: async ({ agent, param }) => ({
        body: viewMessage(await acknowledge(deps, agent().agent.id, param('id'))),
      }),
    }),
    route({
      method: 'post',
      path: `${PATH}/:id/reply`,
      who: 'agent',
      summary: 'Answer the sender; confirms the message answered',
      errors: SEND_ERRORS,
      body: wire.ReplyBody,
      status: 201,
      answer: wire.Message,
      creates: true,
      async handle(context) {
        const { message } = await seen(context);
        const { subject, data, body, attachments } = context.body;
        const to = message.senderAgentId === context.agent().agent.id ? message.to : [message.from.address];
        if (message.from.kind === 'machine')
          throw new RelayError('blocked_by_policy', { message: 'A machine sent this; nobody reads an answer to it.' });
        const wish = { to: [...to], body, subject, data, attachments, in_reply_to: message.id };
        return accept(deps, context, toOutgoing(wish, context.sessionId));
      },
    }),
    ...threadRoutes(deps),
  ];
}

async function accept(
  deps: BrokerDeps,
  context: Context<unknown, unknown>,
  outgoing: Outgoing,
): Promise<{ body: wire.WireMessage }> {
  const { receipt } = context;
  const receiptFor = receipt && ((accepted: Accepted) => receipt(201, viewAccepted(accepted)));
  return { body: viewAccepted(await acceptMessage(deps, context.agent(), outgoing, receiptFor)) };
}

const viewAccepted = ({ message, deliveries }: Accepted): wire.WireMessage =>
  viewMessage({ message, delivery: null, deliveries });

function toOutgoing(body: wire.WireSend, sessionId: string | null): Outgoing {
  return {
    to: typeof body.to === 'string' ? [body.to] : body.to,
    cc: body.cc ?? [],
    body: body.body,
    subject: body.subject,
    type: body.type,
    priority: body.priority,
    inReplyTo: body.in_reply_to,
    threadId: body.thread_id,
    requiresResponse: body.requires_response,
    expiresAt: body.expires_at === undefined ? undefined : Date.parse(body.expires_at),
    data: body.data,
    attachments: body.attachments?.map(({ filename, content_type, content }) => ({
      filename,
      contentType: content_type ?? 'application/octet-stream',
      content: Buffer.from(content, 'base64'),
    })),
    sessionId,
  };
}

function threadRoutes(deps: BrokerDeps): Route[] {
  const { messages } = deps.stores;
  return [
    route({
      method: 'get',
      path: '/v1/threads',
      who: 'agent',
      summary: 'Threads of this agent, the one with the newest message first',
      query: wire.PageQuery,
      answer: wire.page(wire.Thread),
      async handle({ agent, query: { cursor, limit = DEFAULT_PAGE } }) {
        return { body: viewPage(await messages.threads(agent().agent.id, { cursor, limit }), viewThread) };
      },
    }),
    route({
      method: 'get',
      path: '/v1/threads/:id',
      who: 'agent',
      summary: 'One thread with the messages this agent may see, oldest first',
      answer: wire.ThreadWithMessages,
      async handle({ agent, param }) {
        const items = await messages.thread(agent().agent.id, param('id'));
        const [first] = items;
        const last = items.at(-1);
        if (first === undefined || last === undefined)
          throw new RelayError('not_found', { message: `You are in no thread ${param('id')}.` });
        const summary = {
          id: param('id'),
          subject: first.message.subject,
          messageCount: items.length,
          lastMessageAt: last.message.createdAt,
          participants: [...new Set(items.map(({ message }) => message.from.address))],
        };
        return { body: { ...viewThread(summary), messages: items.map(viewMessage) } };
      },
    }),
  ];
}
