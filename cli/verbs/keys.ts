/** turnpost keys create | rotate | revoke */
import type { Command } from 'commander';
import type { WireNewKey } from '../../relay/wire.ts';
import type { Cli } from '../cli.ts';
import { timeAhead } from '../options.ts';
import { card, shortTime } from '../table.ts';

export function addKeys(program: Command, cli: Cli): void {
  const keys = program.command('keys').description("agents' keys; a secret is shown once");
  keys
    .command('create')
    .description('one more key for an agent')
    .argument('<agent>', 'name or address')
    .option('--label <text>', 'what it is for')
    .option('--expires-in <duration>', 'like 12h or 90d; default: never', timeAhead)
    .option('--mcp-access', 'its MCP tools may use disposable inboxes')
    .action((agent: string, options: { label?: string; expiresIn?: string; mcpAccess?: true }) =>
      cli.withAdmin(async (client) => {
        const { label, expiresIn: expires_at, mcpAccess: mcp_access } = options;
        const key = await client.issueKey(agent, {
          ...(label && { label }),
          ...(expires_at && { expires_at }),
          ...(mcp_access && { mcp_access }),
        });
        await cli.answer(key, () => keyCard(key));
      }),
    );
  keys
    .command('rotate')
    .description('a new key for an old one, which lives on for the grace time')
    .argument('<agent>', 'name or address')
    .argument('<key-id>', 'the old key')
    .option('--grace <duration>', 'how long the old one still works; default: what the relay says')
    .action((agent: string, keyId: string, options: { grace?: string }) =>
      cli.withClient(async (client) => {
        const key = await client.rotateKey(agent, keyId, options);
        await cli.answer(key, () => keyCard(key));
      }),
    );
  keys
    .command('revoke')
    .description('end a key at once')
    .argument('<agent>', 'name or address')
    .argument('<key-id>', 'the key')
    .option('--compromised', 'others had it: what it sent and nobody has yet is held back')
    .action((agent: string, keyId: string, options: { compromised?: true }) =>
      cli.withAdmin(async (client) => {
        const revoked = await client.revokeKey(agent, keyId, options.compromised && 'compromised');
        await cli.answer(revoked, () => `${revoked.id} is dead since ${shortTime(revoked.revoked_at)}.`);
      }),
    );
}

function keyCard(key: WireNewKey): string {
  return card([
    ['id', key.id],
    ['secret', key.secret],
    ['expires', key.expires_at === null ? 'never' : shortTime(key.expires_at)],
    ...(key.mcp_access ? [['mcp', 'may use disposable inboxes'] as const] : []),
    ...(key.label === null ? [] : [['label', key.label] as const]),
  ]);
}
