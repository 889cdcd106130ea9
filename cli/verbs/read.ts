/** turnpost read: one message; confirms it, since whoever reads it has it. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { TurnpostClient } from '../../client/turnpost-client.ts';
import type { WireMessage } from '../../relay/wire.ts';
import type { Cli } from '../cli.ts';
import { messageText } from '../message-text.ts';

interface ReadOptions {
  readonly peek?: true;
  readonly save?: string;
}

export function addRead(program: Command, cli: Cli): void {
  program
    .command('read')
    .description('show one message and confirm it')
    .argument('<id>', 'msg_...')
    .option('--peek', 'do not confirm it: it will be handed out again')
    .option('--save <folder>', 'write its attachments there')
    .action((id: string, { peek, save }: ReadOptions) =>
      cli.withAgent(async (client) => {
        const message = await client.getMessage(id);
        await cli.answer(message, () => messageText(message));
        if (save !== undefined) await saveAttachments(client, message, path.resolve(cli.world.cwd, save), cli);
        // After it was printed: a message that nobody saw must not count as read.
        if (!peek && message.state !== undefined) await client.ackMessage(id);
      }),
    );
}

async function saveAttachments(client: TurnpostClient, message: WireMessage, folder: string, cli: Cli): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { index, filename } of message.attachments) {
    const file = path.join(folder, safeName(index, filename));
    await writeFile(file, await client.getAttachment(message.id, index), { flag: 'wx' });
    cli.note(`saved ${file}`);
  }
}

/** The sender chose the name: no folders, nothing hidden, nothing that could take another file's place. */
function safeName(index: number, filename: string): string {
  const name = path
    .basename(filename.replaceAll('\\', '/'))
    .replace(/[^\p{L}\p{N}._ -]/gu, '_')
    .replace(/^\.+/, '');
  return `${index}-${name.slice(-150) || 'attachment'}`;
}
