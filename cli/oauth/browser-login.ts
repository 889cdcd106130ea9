/**
 * Login in a browser on this machine: the provider sends the person back to a port that only this program listens on
 * (RFC 8252 section 7.3), with PKCE (RFC 7636), so that a code that is overheard is of no use.
 */
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { postForm } from '../../relay/mail/oauth/oauth-token-request.ts';
import { CliError } from '../exit-code.ts';
import { type LoginRequest, refreshTokenOf, stopped } from './login-request.ts';

const PATIENCE_MS = 10 * 60_000;

export interface BrowserLogin {
  readonly authorizationUrl: string;
  readonly extra: Readonly<Record<string, string>>;
  /** 0: any free one. */
  readonly port: number;
}

export async function loginByBrowser(
  request: LoginRequest,
  { authorizationUrl, extra, port }: BrowserLogin,
): Promise<string> {
  const { user, clientId, clientSecret, scope, tokenUrl, clock, say } = request;
  const state = randomBytes(16).toString('base64url');
  const verifier = randomBytes(32).toString('base64url');
  const callback = await listen(port, state);
  try {
    const url = new URL(authorizationUrl);
    const query = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: callback.url,
      ...(scope !== null && { scope }),
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      login_hint: user,
      ...extra,
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    say(`Open this in a browser on this machine, signed in as ${user}:\n${url.href}`);
    const code = await inTime(request, callback.code);
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: callback.url,
      client_id: clientId,
      client_secret: clientSecret,
      code_verifier: verifier,
    };
    return refreshTokenOf(request, await postForm(user, tokenUrl, form, clock));
  } finally {
    callback.close();
  }
}

async function inTime({ clock, signal }: LoginRequest, code: Promise<string>): Promise<string> {
  const done = new AbortController();
  const onAbort = () => done.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const late = clock.sleep(PATIENCE_MS, done.signal).then(() => {
      throw signal.aborted
        ? stopped()
        : new CliError('nothing', 'Nobody agreed in time; nothing was changed. Start again.');
    });
    late.catch(() => undefined);
    return await Promise.race([code, late]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    done.abort();
  }
}

interface Callback {
  readonly url: string;
  /** Rejects where the person refused. */
  readonly code: Promise<string>;
  close(): void;
}

async function listen(port: number, state: string): Promise<Callback> {
  let settle: { readonly resolve: (code: string) => void; readonly reject: (error: Error) => void } | undefined;
  const code = new Promise<string>((resolve, reject) => {
    settle = { resolve, reject };
  });
  code.catch(() => undefined);
  const server = http.createServer((req, res) => {
    const query = new URL(req.url ?? '/', 'http://127.0.0.1').searchParams;
    // Whoever does not know the state was not sent by the provider (RFC 6749 section 10.12).
    const genuine = query.get('state') === state;
    const found = query.get('code');
    res.writeHead(genuine ? 200 : 400, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
    res.end(
      genuine ? 'Turnpost: done. You can close this window.\n' : 'Turnpost: this is no answer of the provider.\n',
    );
    if (genuine && found !== null) settle?.resolve(found);
    else if (genuine)
      settle?.reject(new CliError('error', 'The provider says that the login was refused; nothing was changed.'));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${bound}`, code, close };
}
