/** A real relay in this process: temporary data, free ports, agents made on request; all gone with `close`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import { startRelay } from '../../relay/main.ts';
import { type Zone, zoneResolver } from './zone-resolver.ts';

export interface RelayInProcess {
  readonly httpUrl: string;
  readonly socketPath: string;
  readonly smtpPort: number;
  readonly adminKey: string;
  readonly dataDir: string;
  readonly admin: TurnpostClient;
  /** A new agent and a client that speaks as it. */
  agent(name: string, options?: AgentOptions): Promise<{ readonly client: TurnpostClient; readonly key: string }>;
  close(): Promise<void>;
}

interface AgentOptions {
  readonly owner?: string;
  readonly program?: 'mcp' | 'cli';
  readonly sessionId?: string;
}

/** `zone`: what the DNS knows. */
export async function relayInProcess(
  env: Readonly<Record<string, string>> = {},
  zone: Zone = {},
): Promise<RelayInProcess> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'turnpost-relay-'));
  const relay = await startRelay({
    resolver: zoneResolver(zone).resolve,
    env: {
      TURNPOST_DATA_DIR: dataDir,
      TURNPOST_HTTP_PORT: '0',
      TURNPOST_SMTP_PORT: '0',
      TURNPOST_LOG_LEVEL: 'silent',
      ...env,
    },
  });
  const { httpUrl, adminKey } = relay;
  const socketPath = relay.socketPath ?? '';
  const admin = new TurnpostClient({ relay: { url: httpUrl }, key: adminKey });
  const clients = [admin];
  return {
    httpUrl,
    socketPath,
    adminKey,
    smtpPort: relay.smtpPort ?? 0,
    dataDir,
    admin,
    async agent(name, { owner, ...more } = {}) {
      const { key } = await admin.registerAgent({ name, ...(owner !== undefined && { owner }) });
      const client = new TurnpostClient({ relay: { url: httpUrl }, key: key.secret, ...more });
      clients.push(client);
      return { client, key: key.secret };
    },
    async close() {
      for (const client of clients) client.close();
      await relay.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
