/** turnpost mcp: the MCP server over stdio, started by a host. Nothing but the protocol goes to stdout. */
import type { Command } from 'commander';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import { serveStdio } from '../../mcp-remote/stdio.ts';
import type { Cli } from '../cli.ts';
import { packageVersion } from '../version.ts';

export function addMcp(program: Command, cli: Cli): void {
  program
    .command('mcp')
    .description('the MCP server over stdin and stdout, for a host to start')
    .action(async () => {
      // Never the admin key that lies on this machine: a model would speak with it.
      const { relay, key } = cli.connection({ scope: 'agent' });
      const client = new TurnpostClient({ relay, key, program: 'mcp' });
      const { env, stdin, stdout, signal } = cli.world;
      // A bug is told once, on stderr: the host shows it in its log of this server.
      const reportBug = (error: unknown): void =>
        cli.note(`turnpost mcp: ${error instanceof Error ? error.stack : error}`);
      await serveStdio({ client, version: packageVersion(), env, stdin, stdout, reportBug, signal });
      client.close();
    });
}
