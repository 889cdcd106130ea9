/**
 * An OAuth2 authorisation server on loopback: token endpoint (RFC 6749 sections 4.1, 4.4, 6), device code (RFC 8628),
 * PKCE (RFC 7636), and the introspection that Dovecot asks. It replaces refresh tokens at every use and remembers who
 * used an old one, as strict servers do.
 */
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export const CLIENT = { id: 'app', secret: 'app-secret' } as const;

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const refuse = (error: string, status = 400): Answer => ({ status, body: { error } });
const secret = (): string => randomBytes(12).toString('base64url');

export class AuthorisationServer {
  /** Grants asked for at the token endpoint, oldest first. */
  readonly asked: string[] = [];
  /** Requests that showed a refresh token which had been replaced. */
  readonly reused: string[] = [];
  /** What the token endpoint says instead of a token, once each. */
  readonly failures: { status: number; error?: string; retryAfter?: number }[] = [];
  /** How long access tokens live, in seconds. */
  lifetime = 3600;
  /** Whether mail servers can ask it about tokens. */
  introspection = true;
  readonly #access = new Map<string, { user: string; until: number }>();
  readonly #refresh = new Map<string, string>();
  readonly #replaced = new Set<string>();
  readonly #devices = new Map<string, { userCode: string; user: string | null }>();
  readonly #codes = new Map<string, { user: string; challenge: string; redirect: string }>();
  readonly #server: http.Server;

  constructor() {
    this.#server = http.createServer(async (req, res) => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk);
      const url = new URL(req.url ?? '/', 'http://127.0.0.1');
      const { status, body = {}, headers } = this.#answer(url, new URLSearchParams(Buffer.concat(chunks).toString()));
      res.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers });
      res.end(JSON.stringify(body));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // listening on TCP
  }

  get tokenUrl(): string {
    return `http://127.0.0.1:${this.port}/token`;
  }

  get deviceUrl(): string {
    return `http://127.0.0.1:${this.port}/device`;
  }

  get authorizationUrl(): string {
    return `http://127.0.0.1:${this.port}/authorize`;
  }

  /** A refresh token for this user, as a login would bring. */
  login(user: string): string {
    const value = secret();
    this.#refresh.set(value, user);
    return value;
  }

  /** No access token given out so far is good any more. */
  withdrawAccess(): void {
    this.#access.clear();
  }

  /** The person takes the login back. */
  withdrawLogin(user: string): void {
    for (const [value, owner] of this.#refresh) if (owner === user) this.#refresh.delete(value);
  }

  /** The person types the code in the browser. */
  approveDevice(userCode: string, user: string): void {
    for (const device of this.#devices.values()) if (device.userCode === userCode) device.user = user;
  }

  #answer(url: URL, form: URLSearchParams): Answer {
    switch (url.pathname) {
      case '/tokeninfo':
        return this.#introspect(url.searchParams.get('access_token') ?? '');
      case '/token':
        return this.#token(form);
      case '/device':
        return this.#startDevice();
      case '/authorize':
        return this.#authorise(url.searchParams);
      default:
        return { status: 404 };
    }
  }

  #introspect(value: string): Answer {
    if (!this.introspection) return { status: 500 };
    const token = this.#access.get(value);
    if (token === undefined || token.until < Date.now()) return refuse('invalid_token', 401);
    return { status: 200, body: { active: true, email: token.user } };
  }

  #startDevice(): Answer {
    const [device, user_code] = [secret(), secret().slice(0, 8)];
    this.#devices.set(device, { userCode: user_code, user: null });
    const verification_uri = `http://127.0.0.1:${this.port}/activate`;
    return { status: 200, body: { device_code: device, user_code, verification_uri, expires_in: 600, interval: 0.05 } };
  }

  /** The person is signed in already and agrees. */
  #authorise(query: URLSearchParams): Answer {
    const code = secret();
    const redirect = query.get('redirect_uri') ?? '';
    const challenge = query.get('code_challenge') ?? '';
    this.#codes.set(code, { user: query.get('login_hint') ?? '', challenge, redirect });
    const back = new URL(redirect);
    back.searchParams.set('code', code);
    back.searchParams.set('state', query.get('state') ?? '');
    return { status: 302, headers: { location: back.href } };
  }

  #token(form: URLSearchParams): Answer {
    const grant = form.get('grant_type') ?? '';
    this.asked.push(grant);
    const failure = this.failures.shift();
    if (failure !== undefined) {
      const { status, error, retryAfter } = failure;
      return {
        ...(error ? refuse(error, status) : { status }),
        ...(retryAfter && { headers: { 'retry-after': `${retryAfter}` } }),
      };
    }
    if (form.get('client_id') !== CLIENT.id || (form.get('client_secret') ?? CLIENT.secret) !== CLIENT.secret)
      return refuse('invalid_client', 401);
    const user = this.#userOf(grant, form);
    if (user === 'authorization_pending') return refuse(user);
    if (user === undefined) return refuse('invalid_grant');
    const access_token = secret();
    this.#access.set(access_token, { user, until: Date.now() + this.lifetime * 1000 });
    const next = grant === 'client_credentials' ? {} : { refresh_token: this.login(user) };
    return { status: 200, body: { access_token, token_type: 'Bearer', expires_in: this.lifetime, ...next } };
  }

  #userOf(grant: string, form: URLSearchParams): string | undefined {
    if (grant === 'client_credentials') return form.get('scope') ?? undefined;
    if (grant === 'refresh_token') return this.#useRefresh(form.get('refresh_token') ?? '');
    if (grant === 'urn:ietf:params:oauth:grant-type:device_code') {
      const device = this.#devices.get(form.get('device_code') ?? '');
      return device === undefined ? undefined : (device.user ?? 'authorization_pending');
    }
    const code = this.#codes.get(form.get('code') ?? '');
    this.#codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    return code?.challenge === challenge && code.redirect === form.get('redirect_uri') ? code.user : undefined;
  }

  #useRefresh(value: string): string | undefined {
    const user = this.#refresh.get(value);
    if (this.#replaced.has(value)) this.reused.push(value);
    this.#refresh.delete(value);
    if (user !== undefined) this.#replaced.add(value);
    return user;
  }
}

export const startAuthorisationServer = (): Promise<AuthorisationServer> => new AuthorisationServer().start();
