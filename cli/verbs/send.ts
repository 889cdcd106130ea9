/** turnpost send: a message to agents (by name) or people (by email address). */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { MessageTypeToSend, Priority, type WireSend } from '../../relay/wire.ts';
import type { Cli } from '../cli.ts';
import { CliError } from '../exit-code.ts';
import { stateOf } from '../message-text.ts';
import { collect, jsonObject, timeAhead } from '../options.ts';

interface SendOptions {
  readonly to?: string[];
  readonly cc?: string[];
  readonly subject?: string;
  readonly type?: WireSend['type'];
  readonly priority?: WireSend['priority'];
  readonly inReplyTo?: string;
  readonly thread?: string;
  readonly requiresResponse?: true;
  readonly expiresIn?: string;
  readonly data?: Record<string, unknown>;
  readonly attach?: string[];
}

export function addSend(program: Command, cli: Cli): void {
  program
    .command('send')
    .description('send a message as an agent')
    .argument('<to>', "an agent's name, or an email address")
    .argument('[text...]', 'the text; left out or -: read from stdin')
    .option('--to <who>', 'one more recipient; may be given several times', collect)
    .option('--cc <who>', 'gets a copy; may be given several times', collect)
    .option('--subject <line>', 'one line')
    .addOption(new Option('--type <type>', 'what it is').choices(MessageTypeToSend.options))
    .addOption(new Option('--priority <priority>', 'urgent is handed out first').choices(Priority.options))
    .option('--in-reply-to <id>', 'a message you can see; sets the thread')
    .option('--thread <id>', 'a thread you are in')
    .option('--requires-response', 'say that you wait for an answer')
    .option('--expires-in <duration>', 'not worth reading after this, like 2h', timeAhead)
    .option('--data <json>', 'a JSON object that travels beside the text', jsonObject)
    .option('--attach <file>', 'may be given several times', collect)
    .action((to: string, words: string[], options: SendOptions) =>
      cli.withAgent(async (client) => {
        const sent = await client.sendMessage(await toMessage([to, ...(options.to ?? [])], words, options, cli));
        await cli.answer(sent, () => `${sent.id}  ${stateOf(sent)}`);
      }),
    );
}

async function toMessage(to: string[], words: string[], options: SendOptions, cli: Cli): Promise<WireSend> {
  const { cc, subject, type, priority, inReplyTo, thread, requiresResponse, expiresIn, data, attach } = options;
  const attachments =
    attach && (await Promise.all(attach.map((file) => readAttachment(path.resolve(cli.world.cwd, file)))));
  return {
    to,
    body: await cli.bodyText(words),
    ...(cc && { cc }),
    ...(subject !== undefined && { subject }),
    ...(type && { type }),
    ...(priority && { priority }),
    ...(inReplyTo !== undefined && { in_reply_to: inReplyTo }),
    ...(thread !== undefined && { thread_id: thread }),
    ...(requiresResponse && { requires_response: true }),
    ...(expiresIn !== undefined && { expires_at: expiresIn }),
    ...(data && { data }),
    ...(attachments && { attachments }),
  };
}

async function readAttachment(file: string) {
  try {
    return { filename: path.basename(file), content: (await readFile(file)).toString('base64') };
  } catch {
    throw new CliError('usage', `The attachment ${file} cannot be read. Nothing was sent.`);
  }
}
