/**
 * ARC (RFC 8617): what a forwarder saw before it changed the mail. Anyone can seal, so a chain counts only where the
 * domain that sealed it last is one that the relay was told to believe (section 7.2).
 */
import { arc } from 'mailauth/lib/arc/index.js';
import { mailauthResolver, type Resolver } from '../dns.ts';
import type { HeaderSection } from '../parse/header-section.ts';
import { readAuthenticationResults } from './authentication-results.ts';
import type { ArcMaterial } from './dkim-check.ts';

export interface ArcFindings {
  /** RFC 8601 section 2.7: `none`, `pass`, `fail`. */
  readonly result: string;
  /** A believed forwarder saw DMARC pass for the author's domain. */
  readonly vouched: boolean;
}

export const NO_ARC: ArcFindings = { result: 'none', vouched: false };

export async function checkArc(
  material: ArcMaterial | undefined,
  section: HeaderSection,
  { author, forwarders, resolver }: { author: string; forwarders: readonly string[]; resolver: Resolver },
): Promise<ArcFindings> {
  if (material === undefined) return NO_ARC;
  const { status, i } = await arc(
    // What checkDkim got from the same library; its two types of this differ in what is optional.
    material as Parameters<typeof arc>[0],
    { resolver: mailauthResolver(resolver), strict: true, minBitLength: 1024 },
  );
  if (status.result !== 'pass') return { result: status.result, vouched: false };
  const sealer = sealerOf(section, Number(i));
  const believed = sealer !== undefined && forwarders.includes(sealer);
  return { result: 'pass', vouched: believed && sawPass(section, Number(i), author) };
}

/** The domain of the newest seal, where its message signature is of the same. */
function sealerOf({ fields }: HeaderSection, instance: number): string | undefined {
  const [seal, signature] = ['arc-seal', 'arc-message-signature'].map((name) =>
    fields
      .flatMap((field) => (field.name === name ? [readTags(field.value)] : []))
      .find((tags) => tags.get('i') === String(instance))
      ?.get('d'),
  );
  return seal !== undefined && seal === signature ? seal : undefined;
}

function sawPass({ fields }: HeaderSection, instance: number, author: string): boolean {
  const own = fields.flatMap(({ name, value }) => {
    const [, number, rest] =
      name === 'arc-authentication-results' ? (/^\s*i=(\d{1,2})\s*;([\s\S]*)$/.exec(value) ?? []) : [];
    return rest !== undefined && Number(number) === instance ? [rest] : [];
  });
  const results = own.length === 1 ? (readAuthenticationResults(own[0] ?? '')?.results ?? []) : [];
  const verdicts = results.filter(({ method }) => method === 'dmarc');
  const [verdict] = verdicts;
  return (
    verdicts.length === 1 &&
    verdict?.result === 'pass' &&
    verdict.properties.get('header.from')?.toLowerCase() === author
  );
}

/** RFC 6376 section 3.2; what it holds was verified before. */
function readTags(value: string): Map<string, string> {
  return new Map(
    value.split(';').flatMap((tag) => {
      const equals = tag.indexOf('=');
      return equals === -1
        ? []
        : [
            [
              tag.slice(0, equals).trim(),
              tag
                .slice(equals + 1)
                .trim()
                .toLowerCase(),
            ] as const,
          ];
    }),
  );
}
