/** turnpost domain | domain check | domain rotate: the DNS records that the relay's domain needs. */
import type { Command } from 'commander';
import type { WireDomain, WireDomainCheck } from '../../relay/wire-domain.ts';
import type { Cli } from '../cli.ts';
import { CliError } from '../exit-code.ts';

export function addDomain(program: Command, cli: Cli): void {
  const domain = program.command('domain').description("the DNS records of the relay's domain");
  domain
    .command('show', { isDefault: true })
    .description('the records to publish, as lines of a zone file')
    .action(() =>
      cli.withAdmin(async (client) => {
        const view = await client.domain.view();
        await cli.answer(view, () => zoneText(view));
      }),
    );
  domain
    .command('check')
    .description('look them up: what is there, what is not, what to do; exit code 1 if something needed is not')
    .action(() =>
      cli.withAdmin(async (client) => {
        const check = await client.domain.check();
        await cli.answer(check, () => checkText(check));
        if (!check.ok)
          throw new CliError('error', 'Something that is needed is not as it must be; the lines above say what to do.');
      }),
    );
  domain
    .command('rotate')
    .description('make the next DKIM keys; when they are published, once more uses them')
    .action(() =>
      cli.withAdmin(async (client) => {
        const answer = await client.domain.rotateKeys();
        const text =
          answer.done === 'made'
            ? `Publish the new keys, then run this again:\n\n${zoneText(answer.domain)}`
            : 'The new keys sign from now on. Leave the old ones in the DNS for two weeks: mail that they signed is on its way.';
        await cli.answer(answer, () => text);
      }),
    );
}

const NOTHING = (domain: string): string =>
  `${domain} is a name of this machine: there is nothing to publish. Set TURNPOST_DOMAIN to a domain of yours.`;

function zoneText({ domain, public: isPublic, records, policy }: WireDomain): string {
  if (!isPublic) return NOTHING(domain);
  const lines = records.flatMap(({ why, needed, zone }) => [`; ${why}${needed ? '' : ' (optional)'}`, zone]);
  const served =
    policy === null
      ? []
      : [
          '',
          `; The relay serves this at ${policy.url}; let your proxy pass it on:`,
          ...policy.text
            .trim()
            .split(/\r?\n/)
            .map((line) => `;   ${line}`),
        ];
  return [...lines, ...served].join('\n');
}

const MARKS = { ok: 'ok', missing: 'MISSING', wrong: 'WRONG', unknown: 'UNKNOWN' } as const;

function checkText({ domain, results }: WireDomainCheck): string {
  if (results.length === 0) return NOTHING(domain);
  return results
    .map(({ status, purpose, name, needed, found, advice }) =>
      [
        `${MARKS[status].padEnd(8)} ${purpose.padEnd(8)} ${name}${needed ? '' : ' (optional)'}`,
        ...(status === 'wrong' ? found.map((one) => `         found: ${one}`) : []),
        ...(advice === null ? [] : [`         ${advice}`]),
      ].join('\n'),
    )
    .join('\n');
}
