/**
 * Logs in to an SMTP server with a token: XOAUTH2 where it is offered (Gmail, Microsoft 365), else OAUTHBEARER
 * (RFC 7628). nodemailer has the first one only, and picks PLAIN before it; so this is a mechanism of our own to it.
 */
import type { AccessTokens } from '../oauth/oauth-tokens.ts';

/** A name that no server offers: nodemailer takes it because it is named, not because it was found. */
const MECHANISM = 'TURNPOST-TOKEN';

interface AuthContext {
  readonly authMethods: readonly string[];
  sendCommand(command: string): Promise<{ readonly status: number; readonly text: string; readonly response?: string }>;
}

/** Options for nodemailer. */
export function tokenLogin(user: string, host: string, port: number, tokens: AccessTokens) {
  return {
    auth: { type: 'custom' as const, method: MECHANISM, user, pass: '' },
    customAuth: {
      [MECHANISM]: async ({ authMethods, sendCommand }: AuthContext) => {
        const { value } = await tokens.get();
        const bearer = !authMethods.includes('XOAUTH2');
        const command = bearer
          ? `AUTH OAUTHBEARER ${oauthBearer(user, host, port, value)}`
          : `AUTH XOAUTH2 ${xoauth2(user, value)}`;
        let answer = await sendCommand(command);
        // A refusal is told in a challenge, and wants an answer before it comes (RFC 7628 section 3.2.3).
        if (answer.status === 334) answer = await sendCommand(bearer ? 'AQ==' : '');
        if (answer.status === 235) return;
        // Perhaps withdrawn before its time: the next try brings another.
        if (answer.status === 535) tokens.drop(value);
        throw Object.assign(new Error(`the server refuses the token: ${answer.status} ${answer.text}`), {
          responseCode: answer.status,
        });
      },
    },
  };
}

/** Google's own form: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol */
function xoauth2(user: string, token: string): string {
  return base64(`user=${user}\x01auth=Bearer ${token}\x01\x01`);
}

/** RFC 7628 section 3.1; "," and "=" of a name are written as RFC 5801 section 4 wants. */
function oauthBearer(user: string, host: string, port: number, token: string): string {
  const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C');
  return base64(`n,a=${name},\x01host=${host}\x01port=${port}\x01auth=Bearer ${token}\x01\x01`);
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
