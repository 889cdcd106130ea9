/**
 * Who really sent an email (RFC 9989): by SMTP from SPF, DKIM and DMARC, asked of the DNS; over IMAP from what the
 * provider's own server wrote down, and DKIM; from a service from its verdict, and DKIM.
 *
 * Never throws for what a mail or the DNS does, and ends within DNS_LIMITS. Says who is proven, never what that one may do.
 */
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { AuthVerdict } from '../../types.ts';
import type { Authenticator, IncomingEmail, IntakeSource, SenderProof } from '../contracts.ts';
import type { Resolver } from '../dns.ts';
import { checkArc, NO_ARC } from './arc-check.ts';
import { type Author, readAuthor } from './author.ts';
import { type AuthservId, believedResults } from './authserv-id.ts';
import { checkDkim, type DkimFindings, isSigned } from './dkim-check.ts';
import { checkDmarc, type DmarcFindings, type Identifiers, isRelated, NO_DMARC } from './dmarc-check.ts';
import { type DnsLimits, limitDns } from './dns-limits.ts';
import { keyword, type ProviderVerdict, readVerdict } from './provider-verdict.ts';
import { commonlySigned, type SignedFields } from './signed-fields.ts';
import { checkSpf, isLoopback, NO_SPF, type SpfFindings } from './spf-check.ts';

export interface AuthenticatorOptions {
  readonly resolver: Resolver;
  /** Where a reply token alone may let in, the DNS can only add to it, and is asked for a moment only. */
  readonly tokenLetsIn: { readonly smtp: boolean; readonly imap: boolean; readonly http: boolean };
  /** Of the server that took the mail of this account in; undefined: nobody's results are believed. */
  readonly authservIdOf: (account: string) => AuthservId | undefined;
  /** Domains whose ARC seals are believed. */
  readonly forwarders: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** SPF may take 10 terms with 10 names each; what an honest mail asks stays far below. */
export const DNS_LIMITS: { readonly thorough: DnsLimits; readonly quick: DnsLimits } = {
  thorough: { questions: 150, ms: 10_000 },
  quick: { questions: 150, ms: 2_000 },
};

export function startAuthenticator(options: AuthenticatorOptions): Authenticator {
  return {
    async authenticate(email, parsed) {
      const author = readAuthor(email.raw, parsed);
      if (author.kind === 'none') return { ...unproven(author.reason), oneAuthor: false };
      const limits = options.tokenLetsIn[email.source.kind] ? DNS_LIMITS.quick : DNS_LIMITS.thorough;
      const dns = limitDns(options.resolver, limits, options.clock);
      try {
        return await prove({ options, email, author, resolver: dns.resolve });
      } catch (cause) {
        options.log.error({ tag: 'auth', cause }, 'could not check who sent an email');
        return unproven('the checks of who sent it failed; the log has the cause');
      } finally {
        dns.close();
      }
    },
  };
}

interface Checking {
  readonly options: AuthenticatorOptions;
  readonly email: IncomingEmail;
  readonly author: Extract<Author, { kind: 'one' }>;
  readonly resolver: Resolver;
}

function prove(checking: Checking): Promise<SenderProof> {
  const { source } = checking.email;
  switch (source.kind) {
    case 'smtp':
      return proveBySmtp(checking, source);
    case 'imap':
      return proveByProvider(checking, source);
    case 'http':
      return proveByService(checking, source);
  }
}

async function proveBySmtp(checking: Checking, source: IntakeSource & { kind: 'smtp' }): Promise<SenderProof> {
  const spf = await checkSpf(source, checking.resolver);
  return ownProof(checking, spf, !isLoopback(source.remote));
}

async function proveByProvider(checking: Checking, { account }: IntakeSource & { kind: 'imap' }): Promise<SenderProof> {
  const id = checking.options.authservIdOf(account);
  const results = id === undefined ? undefined : believedResults(checking.author.section, id);
  return proveWith(checking, results === undefined ? undefined : readVerdict(results));
}

/** The service took the mail in and says what it found; MAIL FROM is what its SPF result is about. */
async function proveByService(checking: Checking, source: IntakeSource & { kind: 'http' }): Promise<SenderProof> {
  if (source.auth === null) return proveWith(checking, undefined);
  const { spf, dkim, dmarc, arc } = source.auth;
  const auth = { spf: keyword(spf), dkim: keyword(dkim), dmarc: keyword(dmarc), arc: keyword(arc) };
  const { domain } = checking.author;
  return proveWith(checking, {
    auth,
    dmarcPassFor: auth.dmarc === 'pass' ? domain : null,
    refused: auth.dmarc === 'fail',
    spfDomain: auth.spf === 'pass' ? source.envelopeFrom.slice(source.envelopeFrom.lastIndexOf('@') + 1) : null,
  });
}

async function proveWith(checking: Checking, verdict: ProviderVerdict | undefined): Promise<SenderProof> {
  if (verdict !== undefined && isEnough(checking.author, verdict)) {
    const { spfDomain } = verdict;
    const { domain, section } = checking.author;
    const handedIn = spfDomain !== null && isRelated(spfDomain, domain);
    return proven(verdict.auth, handedIn ? null : commonlySigned(section, domain));
  }
  // Where it says that DMARC fails, SPF did not speak for the author: whatever its field seems to say of MAIL FROM.
  const spf =
    verdict?.spfDomain && verdict.auth.dmarc !== 'fail' ? { result: 'pass', domain: verdict.spfDomain } : NO_SPF;
  const own = await ownProof(checking, spf, false);
  if (verdict === undefined) return own;
  const auth = merge(own, verdict);
  if (own.authorProven) return { ...own, auth };
  const refused = verdict.refused ? `DMARC fails for ${checking.author.domain}, says the server that took it in` : null;
  return { ...own, auth, forged: own.forged || verdict.refused, reason: refused ?? own.reason };
}

/** Others count a signature over a part of the body; where there is one, SPF must speak for the author. */
function isEnough({ domain, section }: Checking['author'], { dmarcPassFor, spfDomain }: ProviderVerdict): boolean {
  if (dmarcPassFor === null || !isOwnOrParent(dmarcPassFor, domain)) return false;
  const partial = section.fields.some(({ name, value }) => name === 'dkim-signature' && /(?:^|;)\s*l\s*=/i.test(value));
  return !partial || (spfDomain !== null && isRelated(spfDomain, domain));
}

const isOwnOrParent = (named: string, domain: string): boolean =>
  named === domain || (named.includes('.') && domain.endsWith(`.${named}`));

/** What we found ourselves comes first; a pass of DMARC that was not enough for us is not shown as one. */
function merge({ auth: own, authorProven }: SenderProof, { auth: said }: ProviderVerdict): AuthVerdict {
  return {
    spf: said.spf === 'none' ? own.spf : said.spf,
    dkim: own.dkim === 'none' ? said.dkim : own.dkim,
    dmarc: authorProven || said.dmarc === 'pass' || said.dmarc === 'none' ? own.dmarc : said.dmarc,
    arc: own.arc === 'none' ? said.arc : own.arc,
  };
}

/** `complete`: SPF was asked of the server that sent it, so that nothing that could speak for the author is missing. */
async function ownProof(checking: Checking, spf: SpfFindings, complete: boolean): Promise<SenderProof> {
  const { email, author, resolver, options } = checking;
  const { section, domain } = author;
  if (!complete && spf.result !== 'pass' && !isSigned(section)) {
    return { ...unproven(`nothing proves that ${domain} sent it: it has no DKIM signature`), auth: verdictOf(spf) };
  }
  const dkim = await checkDkim(email.raw, section, { resolver, clock: options.clock });
  const passed = { spf: spf.result === 'pass' ? [spf.domain] : [], dkim: dkim.passed.map((one) => one.domain) };
  const unknown = { spf: spf.result === 'temperror' ? [spf.domain] : [], dkim: dkim.unknown };
  const found = await checkDmarc(domain, passed, unknown, resolver);
  const dmarc = found.result === 'fail' && !complete ? NO_DMARC : found;
  const arc = await checkArc(dkim.arc, section, { author: domain, forwarders: options.forwarders, resolver });
  const auth = { ...verdictOf(spf), dkim: dkim.result, dmarc: dmarc.result, arc: arc.result };
  if (dmarc.result === 'pass' || arc.vouched) return proven(auth, signedOnly(author, passed.spf, dkim));
  return {
    auth,
    oneAuthor: true,
    authorProven: false,
    signedOnly: null,
    // Where nothing that may be the author's passed, an answer could only say that it fails.
    temporary: dmarc.result === 'temperror' && [passed, unknown].some((found) => mayAlign(found, domain)),
    forged: dmarc.result === 'fail' && dmarc.policy !== 'none',
    reason: whyNot(domain, dmarc, dkim),
  };
}

/** Null where the author's own server handed it in, and SPF says so. */
function signedOnly(
  { domain, section }: Checking['author'],
  spf: readonly string[],
  { passed }: DkimFindings,
): SignedFields | null {
  if (spf.some((one) => isRelated(one, domain))) return null;
  const [best] = passed
    .filter((one) => isRelated(one.domain, domain))
    .toSorted((a, b) => Number(a.toUnsigned) - Number(b.toUnsigned) || a.open.length - b.open.length);
  return best ?? commonlySigned(section, domain);
}

/** An organizational domain has two labels at least: a forger's own domain, however slow its DNS, has others. */
const mayAlign = ({ spf, dkim }: Identifiers, author: string): boolean =>
  [...spf, ...dkim].some((domain) => lastLabels(domain) === lastLabels(author));

const lastLabels = (domain: string): string => domain.split('.').slice(-2).join('.');

const verdictOf = ({ result }: SpfFindings): AuthVerdict => ({
  spf: result,
  dkim: 'none',
  dmarc: 'none',
  arc: NO_ARC.result,
});

function whyNot(domain: string, dmarc: DmarcFindings, { partial }: DkimFindings): string {
  if (dmarc.result === 'temperror') return `the DNS did not tell whether ${domain} sent it`;
  if (partial) return `its DKIM signature leaves a part of it open (l=), so it does not prove that ${domain} sent it`;
  if (dmarc.result !== 'fail') return `nothing proves that ${domain} sent it`;
  const asked = dmarc.policy === 'none' ? '' : `, and the domain asks to ${dmarc.policy} such mail`;
  return `DMARC fails: neither SPF nor a DKIM signature speaks for ${domain}${asked}`;
}

const proven = (auth: AuthVerdict, signed: SenderProof['signedOnly']): SenderProof => ({
  auth,
  oneAuthor: true,
  authorProven: true,
  signedOnly: signed,
  temporary: false,
  forged: false,
  reason: null,
});

const unproven = (reason: string): SenderProof => ({
  auth: { ...verdictOf(NO_SPF) },
  oneAuthor: true,
  authorProven: false,
  signedOnly: null,
  temporary: false,
  forged: false,
  reason,
});
