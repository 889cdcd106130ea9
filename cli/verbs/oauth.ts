/**
 * turnpost oauth login: lets the relay into a mailbox by OAuth2, for providers that take no passwords. Writes the user's
 * entry into the file of TURNPOST_OAUTH; a relay that runs reads it by itself.
 */
import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { systemClock } from '../../relay/clock.ts';
import { loadConfig } from '../../relay/config.ts';
import {
  inTenant,
  OAUTH_PROVIDERS,
  type OAuthProvider,
  type OAuthProviderName,
} from '../../relay/mail/oauth/oauth-providers.ts';
import type { Cli } from '../cli.ts';
import { CliError } from '../exit-code.ts';
import { loginByBrowser } from '../oauth/browser-login.ts';
import { loginByDevice } from '../oauth/device-login.ts';
import { findEntry, type OldEntry, putEntry } from '../oauth/login-file.ts';
import type { LoginRequest } from '../oauth/login-request.ts';

interface LoginOptions {
  readonly provider?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly tenant?: string;
  readonly tokenUrl?: string;
  readonly deviceUrl?: string;
  readonly authorizationUrl?: string;
  readonly scope?: string;
  readonly browser?: true;
  readonly port?: string;
}

export function addOauth(program: Command, cli: Cli): void {
  const oauth = program.command('oauth').description('let the relay into mailboxes whose providers take no passwords');
  oauth
    .command('login')
    .description('log in as the user of a mailbox; a later login needs the user only')
    .argument('<user>', 'the address that stands in TURNPOST_IMAP_URL')
    .option('--provider <name>', `${Object.keys(OAUTH_PROVIDERS).join(' or ')}; left out: name the URLs`)
    .option('--client-id <id>', 'of the app registered with the provider')
    .option('--client-secret <secret>', 'of that app, where it has one; - reads it from stdin')
    .option('--tenant <tenant>', 'directory, for Microsoft')
    .option('--token-url <url>', 'of another provider')
    .option('--device-url <url>', 'of another provider: login by code')
    .option('--authorization-url <url>', 'of another provider: login in a browser')
    .option('--scope <scope>', 'what to ask for, where it is not the usual')
    .option('--browser', 'log in in a browser on this machine, where a login by code is to be had too')
    .option('--port <port>', 'port that the browser comes back to; left out: any free one')
    .action((user: string, options: LoginOptions) => login(user, options, cli));
}

async function login(user: string, options: LoginOptions, cli: Cli): Promise<void> {
  const { env, stdin, signal } = cli.world;
  const file = loadConfig(env, configFile(env['TURNPOST_CONFIG'])).oauthFile;
  const secret = options.clientSecret === '-' ? (await readAll(stdin)).trim() : options.clientSecret;
  const entry = merge(findEntry(file, user), { ...options, ...(secret !== undefined && { clientSecret: secret }) });
  const provider: OAuthProvider | undefined = entry.provider && OAUTH_PROVIDERS[entry.provider];
  const tokenUrl = entry.token_url ?? provider?.tokenUrl;
  if (tokenUrl === undefined)
    throw new CliError('usage', 'Say whose login it is: --provider google, --provider microsoft, or --token-url.');
  const { client_id: clientId } = entry;
  if (clientId === undefined)
    throw new CliError('usage', 'Name the app that is registered with the provider: --client-id.');
  const request: LoginRequest = {
    user,
    clientId,
    clientSecret: entry.client_secret ?? null,
    scope: entry.scope ?? provider?.scope ?? null,
    tokenUrl: inTenant(tokenUrl, entry.tenant),
    clock: systemClock,
    say: (line) => cli.note(line),
    signal,
  };
  const refresh_token = await agree(request, options, provider, entry.tenant);
  putEntry(file, user, { ...entry, client_id: clientId, refresh_token });
  await cli.answer({ user, file }, () => `Logged in as ${user}. It stands in ${file}.`);
  if (provider !== undefined && !cli.shared.json)
    cli.note(`For the relay, without a password:\n${urls(user, provider)}`);
}

/** By code where it is to be had: it works from anywhere. */
function agree(
  request: LoginRequest,
  { deviceUrl, authorizationUrl, browser, port }: LoginOptions,
  provider: OAuthProvider | undefined,
  tenant: string | undefined,
): Promise<string> {
  const device = deviceUrl ?? provider?.deviceUrl ?? undefined;
  if (device !== undefined && !browser) return loginByDevice(request, inTenant(device, tenant));
  const authorization = authorizationUrl ?? provider?.authorizationUrl;
  if (authorization === undefined)
    throw new CliError('usage', 'Say where the person agrees: --device-url or --authorization-url.');
  const extra = provider?.authorizationExtra ?? {};
  return loginByBrowser(request, { authorizationUrl: inTenant(authorization, tenant), extra, port: Number(port ?? 0) });
}

/** What the options say wins over the login before. */
function merge(old: OldEntry, options: LoginOptions): OldEntry {
  const { provider, clientId, clientSecret, tenant, tokenUrl, scope } = options;
  if (provider !== undefined && !Object.hasOwn(OAUTH_PROVIDERS, provider))
    throw new CliError(
      'usage',
      `There is no provider ${provider} here: ${Object.keys(OAUTH_PROVIDERS).join(', ')}, or the URLs.`,
    );
  const { grant: _, ...kept } = old;
  return {
    ...kept,
    ...(provider !== undefined && { provider: provider as OAuthProviderName }), // looked up above
    ...(clientId !== undefined && { client_id: clientId }),
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(tenant !== undefined && { tenant }),
    ...(tokenUrl !== undefined && { token_url: tokenUrl }),
    ...(scope !== undefined && { scope }),
  };
}

function urls(user: string, { imap, smtp }: OAuthProvider): string {
  const withUser = (url: string) => url.replace('://', `://${encodeURIComponent(user)}@`);
  return `TURNPOST_IMAP_URL=${withUser(imap)}\nTURNPOST_SMTP_URL=${withUser(smtp)}`;
}

function configFile(file: string | undefined): unknown {
  return file ? JSON.parse(readFileSync(file, 'utf8')) : {};
}
