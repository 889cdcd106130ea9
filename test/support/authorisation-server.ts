/**
 * An OAuth2 authorisation server on loopback: token endpoint (RFC 6749 sections 4.1, 4.4, 6), device code (RFC 8628),
 * PKCE (RFC 7636), and the introspection that Dovecot asks. It replaces refresh tokens at every use and remembers who
 * used an old one, as strict servers do.
 */
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AuthorisationServer {
  readonly port: number;
  readonly tokenUrl: string;
  readonly deviceUrl: string;
  readonly authorizationUrl: string;
  /** Grants asked for at the token endpoint, oldest first. */
  readonly asked: string[];
  /** Requests that showed a refresh token which had been replaced. */
  readonly reused: string[];
  /** How long access tokens live, in seconds. */
  lifetime: number;
  /** Whether mail servers can ask it about tokens. */
  introspection: boolean;
  /** What the token endpoint says instead of a token, once each. */
  readonly failures: { status: number; error?: string; retryAfter?: number }[];
  /** A refresh token for this user, as a login would bring. */
  login(user: string): string;
  /** No access token given out so far is good any more. */
  withdrawAccess(): void;
  /** The person takes the login back. */
  withdrawLogin(user: string): void;
  /** The person types the code in the browser. */
  approveDevice(userCode: string, user: string): void;
  close(): Promise<void>;
}

export const CLIENT = { id: 'app', secret: 'app-secret' } as const;

export async function startAuthorisationServer(): Promise<AuthorisationServer> {
  const access = new Map<string, { user: string; until: number }>();
  const refresh = new Map<string, string>();
  const replaced = new Set<string>();
  const devices = new Map<string, { userCode: string; user: string | null }>();
  const codes = new Map<string, { user: string; challenge: string; redirect: string }>();
  const secret = () => randomBytes(12).toString('base64url');

  const server = http.createServer(async (req, res) => {
    const url = new URL(req.url ?? '/', 'http://127.0.0.1');
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      res.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers });
      res.end(JSON.stringify(body));
    };
    if (url.pathname === '/tokeninfo') {
      const token = access.get(url.searchParams.get('access_token') ?? '');
      if (!made.introspection) answer(500, {});
      else if (token === undefined || token.until < Date.now()) answer(401, { error: 'invalid_token' });
      else answer(200, { active: true, email: token.user });
    } else if (url.pathname === '/token') token(form, answer);
    else if (url.pathname === '/device') {
      const device = secret();
      const userCode = secret().slice(0, 8);
      devices.set(device, { userCode, user: null });
      answer(200, {
        device_code: device,
        user_code: userCode,
        verification_uri: `${base()}/activate`,
        expires_in: 600,
        interval: 0.05,
      });
    } else if (url.pathname === '/authorize') {
      // The person is signed in already and agrees.
      const code = secret();
      const redirect = url.searchParams.get('redirect_uri') ?? '';
      const challenge = url.searchParams.get('code_challenge') ?? '';
      codes.set(code, { user: url.searchParams.get('login_hint') ?? '', challenge, redirect });
      const back = new URL(redirect);
      back.searchParams.set('code', code);
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      res.writeHead(302, { location: back.href }).end();
    } else answer(404, {});
  });

  function token(
    form: URLSearchParams,
    answer: (status: number, body: unknown, headers?: Record<string, string>) => void,
  ) {
    const grant = form.get('grant_type') ?? '';
    made.asked.push(grant);
    const failure = made.failures.shift();
    if (failure !== undefined) {
      const headers: Record<string, string> = failure.retryAfter ? { 'retry-after': String(failure.retryAfter) } : {};
      return answer(failure.status, failure.error ? { error: failure.error } : 'out of order', headers);
    }
    if (form.get('client_id') !== CLIENT.id || (form.get('client_secret') ?? CLIENT.secret) !== CLIENT.secret)
      return answer(401, { error: 'invalid_client' });
    const user = userOf(grant, form);
    if (user === 'authorization_pending') return answer(400, { error: user });
    if (user === undefined) return answer(400, { error: 'invalid_grant' });
    const value = secret();
    access.set(value, { user, until: Date.now() + made.lifetime * 1000 });
    const next = grant === 'client_credentials' ? {} : { refresh_token: made.login(user) };
    answer(200, { access_token: value, token_type: 'Bearer', expires_in: made.lifetime, ...next });
  }

  function userOf(grant: string, form: URLSearchParams): string | undefined {
    if (grant === 'client_credentials') return form.get('scope') ?? undefined;
    if (grant === 'refresh_token') {
      const old = form.get('refresh_token') ?? '';
      const user = refresh.get(old);
      if (replaced.has(old)) made.reused.push(old);
      refresh.delete(old);
      if (user !== undefined) replaced.add(old);
      return user;
    }
    if (grant === 'urn:ietf:params:oauth:grant-type:device_code') {
      const device = devices.get(form.get('device_code') ?? '');
      return device === undefined ? undefined : (device.user ?? 'authorization_pending');
    }
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    return code?.challenge === challenge && code.redirect === form.get('redirect_uri') ? code.user : undefined;
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listening on TCP
  const base = () => `http://127.0.0.1:${port}`;
  const made: AuthorisationServer = {
    port,
    tokenUrl: `${base()}/token`,
    deviceUrl: `${base()}/device`,
    authorizationUrl: `${base()}/authorize`,
    asked: [],
    reused: [],
    lifetime: 3600,
    introspection: true,
    failures: [],
    login(user) {
      const value = secret();
      refresh.set(value, user);
      return value;
    },
    withdrawAccess: () => access.clear(),
    withdrawLogin(user) {
      for (const [value, owner] of refresh) if (owner === user) refresh.delete(value);
    },
    approveDevice(userCode, user) {
      for (const device of devices.values()) if (device.userCode === userCode) device.user = user;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return made;
}
