/** The SPF suite for RFC 7208, offline: every case through the check that the relay uses. */
import { expect, test } from 'vitest';
import { checkSpf } from '../../../relay/mail/auth/spf-check.ts';
import { asList, asMap, asText, readSuiteYaml, type Yaml } from '../../support/suite-yaml.ts';
import { type Zone, type ZoneName, zoneResolver } from '../../support/zone-resolver.ts';
import { readCorpus } from '../corpora.ts';

/** Where the result is another one than the suite's, by name: what it is here, and why. */
const DEVIATIONS: Readonly<Record<string, string>> = {};

const suite = readCorpus('auth', '.yml')?.get('rfc7208-tests.yml');

test.skipIf(suite === undefined)('the SPF suite', async () => {
  const found: Record<string, string> = {};
  let cases = 0;
  for (const document of readSuiteYaml((suite ?? Buffer.alloc(0)).toString('utf8')).map(asMap)) {
    const { resolve } = zoneResolver(zoneOf(document['zonedata']));
    for (const [name, one] of Object.entries(asMap(document['tests']))) {
      const { helo, host, mailfrom, result } = asMap(one);
      const source = {
        kind: 'smtp',
        envelopeFrom: asText(mailfrom),
        envelopeTo: [],
        remote: asText(host),
        hello: asText(helo),
      } as const;
      const got = (await checkSpf(source, resolve)).result;
      cases += 1;
      if (!asList(result).includes(got)) found[name] = `${got}, not ${asList(result).join(' or ')}`;
    }
  }
  console.log(`SPF suite: ${cases - Object.keys(found).length} of ${cases} as RFC 7208 has it`);
  expect(cases).toBe(203);
  expect(found).toEqual(DEVIATIONS);
});

function zoneOf(data: Yaml | undefined): Zone {
  return Object.fromEntries(
    Object.entries(asMap(data)).map(([name, records]) => [
      name.toLowerCase().replace(/\.$/, ''),
      zoneName(asList(records)),
    ]),
  );
}

/** `SPF` stands for TXT unless the name has TXT of its own. */
function zoneName(records: readonly Yaml[]): ZoneName {
  const of = (type: string) => records.flatMap((record) => (type in asMap(record) ? [asMap(record)[type] ?? ''] : []));
  const txt = of('TXT').length > 0 ? of('TXT').filter((one) => one !== 'NONE') : of('SPF');
  const texts = (type: string) => of(type).map(asText);
  return {
    A: texts('A'),
    AAAA: texts('AAAA'),
    PTR: texts('PTR'),
    MX: of('MX').map((one) => ({ priority: Number(asList(one)[0]), exchange: asText(asList(one)[1]) })),
    TXT: txt.map((one) => (typeof one === 'string' ? one : asList(one).map(asText))),
    ...(of('CNAME').length > 0 && { CNAME: asText(of('CNAME')[0]) }),
    ...(records.includes('TIMEOUT') && { fails: 'ETIMEOUT' }),
  };
}
