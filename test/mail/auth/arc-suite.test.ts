/** The ARC validation suite, offline: every chain through the checks that the relay uses. */
import { expect, test } from 'vitest';
import { checkArc } from '../../../relay/mail/auth/arc-check.ts';
import { checkDkim } from '../../../relay/mail/auth/dkim-check.ts';
import { readHeaderSection } from '../../../relay/mail/parse/header-section.ts';
import { asMap, asText, readSuiteYaml } from '../../support/suite-yaml.ts';
import { zoneResolver } from '../../support/zone-resolver.ts';
import { readCorpus } from '../corpora.ts';

/** Where the result is another one than the suite's, by name: what it is here, and why. */
const DEVIATIONS: Readonly<Record<string, string>> = {
  // RFC 6376 section 3.5: without c= it is simple/simple; the suite has the relaxed/relaxed of an early draft.
  ams_fields_c_na: 'fail, not pass',
  // A signature that does not cover From says nothing of the author (RFC 6376 section 5.4).
  ams_fields_h_empty: 'fail, not pass',
};

const suite = readCorpus('auth', '.yml')?.get('arc-draft-validation-tests.yml');

test.skipIf(suite === undefined)('the ARC suite', async () => {
  const found: Record<string, string> = {};
  let cases = 0;
  for (const document of readSuiteYaml((suite ?? Buffer.alloc(0)).toString('utf8')).map(asMap)) {
    const zone = Object.entries(asMap(document['txt-records'])).map(([name, record]) => [
      name,
      { TXT: [asText(record)] },
    ]);
    const { resolve } = zoneResolver(Object.fromEntries(zone));
    for (const [name, one] of Object.entries(asMap(document['tests']))) {
      const { message, cv } = asMap(one);
      const raw = Buffer.from(asText(message).replaceAll('\n', '\r\n'));
      const section = readHeaderSection(raw);
      const dkim = await checkDkim(raw, section, { resolver: resolve, clock: { now: () => 0 } });
      const got = await checkArc(dkim.arc, section, { author: 'example.org', forwarders: [], resolver: resolve });
      cases += 1;
      // Three cases have no result in the suite: seals that say themselves that the chain failed.
      const wanted = asText(cv).trim().toLowerCase() || 'fail';
      if (got.result !== wanted) found[name] = `${got.result}, not ${wanted}`;
    }
  }
  console.log(`ARC suite: ${cases - Object.keys(found).length} of ${cases} as RFC 8617 has it`);
  expect(cases).toBe(175);
  expect(found).toEqual(DEVIATIONS);
});
