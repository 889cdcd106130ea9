/** An owner's answers to an agent's question, by email: 4.9 kB, two parts, each with its own Message-ID. */
import { request } from '../load/http-connection.ts';
import type { Mail } from '../load/smtp-connection.ts';
import { type BenchAgent, type BenchRelay, OWNER } from './relay.ts';

const SIZE = 4_900;
const BOUNDARY = 'bench-boundary';

/** Makes as many answers as asked for; all belong to one thread and are let in by its reply token. */
export async function ownerAnswers(relay: BenchRelay, agent: BenchAgent): Promise<() => Mail> {
  const question = { to: OWNER, subject: 'Deploy?', body: 'May I deploy?', type: 'query', requires_response: true };
  const asked = { path: '/v1/agents/me/messages', key: agent.key, body: JSON.stringify(question) };
  const { status, body } = await request(relay.socket, asked);
  if (status !== 201) throw new Error(`the question was not taken: ${status} ${body}`);
  const outbox = await request(relay.socket, { method: 'GET', path: '/v1/outbox', key: relay.adminKey });
  const { headers } = JSON.parse(outbox.body).items[0];
  const to = /<([^<>]+)>/.exec(headers['reply-to'])?.[1] ?? headers['reply-to'];
  let n = 0;
  return () => ({ from: OWNER, to, text: answer(to, headers['message-id'], n++) });
}

function answer(to: string, question: string, n: number): string {
  const head = [
    `From: You <${OWNER}>`,
    `To: <${to}>`,
    'Subject: Re: Deploy?',
    `Message-ID: <answer-${n}@example.com>`,
    `In-Reply-To: ${question}`,
    `References: ${question}`,
    'Date: Mon, 02 Nov 2026 10:00:00 +0000',
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${BOUNDARY}"`,
  ];
  const words = `Yes, answer ${n}: after 22:00 please.`;
  const quoted = 'On Mon, 2 Nov 2026, the agent wrote:\r\n> May I deploy?';
  const text = `--${BOUNDARY}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${words}\r\n\r\n${quoted}\r\n`;
  const room = SIZE - head.join('\r\n').length - text.length - 150;
  const html = `<p>${words}</p>\r\n${'<p>The quick brown fox jumps over the lazy dog.</p>\r\n'.repeat(Math.floor(room / 50))}`;
  const part = `--${BOUNDARY}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n${html}\r\n--${BOUNDARY}--`;
  return `${head.join('\r\n')}\r\n\r\n${text}${part}`;
}
