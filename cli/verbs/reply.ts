/** turnpost reply: answers a message in its thread, by the way it came; confirms it. */
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { stateOf } from '../message-text.ts';
import { jsonObject } from '../options.ts';

export function addReply(program: Command, cli: Cli): void {
  program
    .command('reply')
    .description('answer a message, and confirm it')
    .argument('<id>', 'msg_...')
    .argument('[text...]', 'the text; left out or -: read from stdin')
    .option('--subject <line>', 'another subject')
    .option('--data <json>', 'a JSON object that travels beside the text', jsonObject)
    .action((id: string, words: string[], options: { subject?: string; data?: Record<string, unknown> }) =>
      cli.withAgent(async (client) => {
        const sent = await client.replyMessage(id, { body: await cli.bodyText(words), ...options });
        await cli.answer(sent, () => `${sent.id}  ${stateOf(sent)}`);
      }),
    );
}
