/** The people of the demo: they write with an ordinary mail library, as any mail program would. */
import nodemailer from 'nodemailer';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { RunningRelay } from '../../relay/relay.ts';
import type { WireOutboxItem } from '../../relay/wire.ts';

type Listening = Pick<RunningRelay, 'smtpHost' | 'smtpPort'>;

/** Answers an email as mail programs do: to Reply-To, with the original quoted below. Returns what went over the wire. */
export async function sendAnswer(
  relay: Listening,
  email: WireOutboxItem,
  { from, words }: { readonly from: string; readonly words: string },
): Promise<string> {
  const quoted = email.text.trimEnd().replaceAll(/^/gm, '> ').replaceAll(/^> $/gm, '>');
  const to = email.headers['reply-to'] ?? '';
  const raw = await new MailComposer({
    from,
    to,
    subject: `Re: ${email.headers['subject']}`,
    inReplyTo: email.headers['message-id'] ?? '',
    references: email.headers['message-id'] ?? '',
    text: `${words}\n\nOn ${email.headers['date']}, ${email.headers['from']} wrote:\n${quoted}\n`,
    textEncoding: 'quoted-printable',
  })
    .compile()
    .build();
  await hand(relay, { from, to: addressIn(to), raw });
  return raw.toString();
}

export async function sendStrangersMail(
  relay: Listening,
  { from, to, words }: { readonly from: string; readonly to: string; readonly words: string },
): Promise<void> {
  const raw = await new MailComposer({ from, to, subject: 'Urgent', text: words }).compile().build();
  await hand(relay, { from, to, raw });
}

async function hand(
  relay: Listening,
  mail: { readonly from: string; readonly to: string; readonly raw: Buffer },
): Promise<void> {
  const transport = nodemailer.createTransport({
    host: relay.smtpHost,
    port: relay.smtpPort ?? 0,
    // The demo's relay has made its certificate itself a moment ago.
    tls: { rejectUnauthorized: false },
  });
  await transport.sendMail({ envelope: { from: mail.from, to: [mail.to] }, raw: mail.raw });
  transport.close();
}

const addressIn = (field: string): string => /<([^<>]+)>/.exec(field)?.[1] ?? field;
