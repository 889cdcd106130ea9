/** The data folder: made private, holds the admin key and the SMTP listener's certificate. Files there are 0600. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A socket's path may have 107 bytes on Linux, 103 on macOS (sockaddr_un). */
const LONGEST_SOCKET_PATH = 103;

/** Made with mode 0700 where missing. Throws an Error for people where it cannot be used. */
export function prepareDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (error) {
    throw new Error(
      `cannot use the data folder ${folder}: ${text(error)}. Make it writable for this user, or name another in TURNPOST_DATA_DIR.`,
      {
        cause: error,
      },
    );
  }
}

export function checkSocketPath(socketPath: string): void {
  if (Buffer.byteLength(socketPath) <= LONGEST_SOCKET_PATH) return;
  throw new Error(
    `the socket path ${socketPath} is longer than ${LONGEST_SOCKET_PATH} bytes. Set TURNPOST_SOCKET to a shorter one, or to "off".`,
  );
}

/** The admin key: of the settings, else of `admin.key`, else a new one written there. */
export function readAdminKey(folder: string, configured: string | undefined, make: () => string): string {
  if (configured !== undefined) return configured;
  const file = path.join(folder, 'admin.key');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const key = make();
  writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx' });
  return key;
}

export interface TlsFiles {
  readonly key: string;
  readonly cert: string;
}

/** The pair named in the settings, else the one in the folder, else a new one written there. */
export async function readTlsPair(
  folder: string,
  configured: { readonly cert: string | undefined; readonly key: string | undefined },
  make: () => Promise<TlsFiles>,
): Promise<TlsFiles> {
  if (configured.cert !== undefined && configured.key !== undefined) {
    return {
      cert: readPem('TURNPOST_SMTP_TLS_CERT', configured.cert),
      key: readPem('TURNPOST_SMTP_TLS_KEY', configured.key),
    };
  }
  if (configured.cert !== undefined || configured.key !== undefined) {
    throw new Error('TURNPOST_SMTP_TLS_CERT and TURNPOST_SMTP_TLS_KEY belong together; set both or neither.');
  }
  const file = path.join(folder, 'smtp-tls.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as TlsFiles; // written below
  const pair = await make();
  writeFileSync(file, JSON.stringify({ key: pair.key, cert: pair.cert }), { mode: 0o600 });
  return pair;
}

/** Throws an Error that names the setting. */
export function readPem(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${setting}: cannot read ${file}: ${text(error)}`, { cause: error });
  }
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
