/**
 * The link in an email that confirms, activates, signs in or resets: ranked by what it says, what its address says and what
 * stands before it (link-words.ts). http and https only. Nothing is opened and nothing unwrapped: a link through a
 * counter stays one. Pure and linear; a guess by form: where it leads is a stranger's choice, and what speaks against it
 * is said in `warnings`.
 */
import { stripHidden } from '../../hidden-text.ts';
import { readVisibleHtml } from '../parse/visible-html.ts';
import type { MailText } from './extract-code.ts';
import { ASIDE, DENIES, FILE, PURPOSE_IN_URL, PURPOSES, SOCIAL } from './link-words.ts';

export interface FoundLink {
  readonly url: string;
  readonly domain: string;
  /** What it says; null where it is bare. */
  readonly text: string | null;
  readonly reason: string;
  readonly warnings: readonly string[];
}

export interface ExtractedLink {
  readonly best: FoundLink | null;
  readonly alternatives: readonly FoundLink[];
}

interface Candidate {
  readonly url: URL;
  readonly text: string | null;
  /** The line it stands on and the one before. */
  readonly around: string;
  readonly button: boolean;
}

interface Ranked extends FoundLink {
  readonly score: number;
}

const MAX_CHARACTERS = 100_000;
const MAX_URL = 4_000;
const MAX_CANDIDATES = 500;
const MAX_AROUND = 400;
const MOST_ALTERNATIVES = 5;
const LEAST = 30;

export function extractLink(mail: MailText, preferredDomains: readonly string[] = []): ExtractedLink {
  const preferred = preferredDomains.map((domain) => domain.toLowerCase().replace(/^[@.]+/, ''));
  const subject = stripHidden(mail.subject ?? '').text;
  const ranked = [...unique(candidates(mail)).values()]
    .map((candidate) => rank(candidate, subject, preferred))
    .filter(({ score }) => score >= LEAST)
    .toSorted((a, b) => b.score - a.score)
    .map(({ score: _, ...link }) => link);
  const [best, ...others] = ranked;
  return { best: best ?? null, alternatives: others.slice(0, MOST_ALTERNATIVES) };
}

function candidates({ text, html }: MailText): Candidate[] {
  const written = html === null ? [] : fromHtml(html);
  return [...written, ...fromText(text)].slice(0, MAX_CANDIDATES);
}

/** The same address twice, by its button and by "or copy this": the one that says more. */
function unique(all: readonly Candidate[]): Map<string, Candidate> {
  const byUrl = new Map<string, Candidate>();
  for (const one of all) {
    const known = byUrl.get(one.url.href);
    if (known === undefined) byUrl.set(one.url.href, one);
    else if (isBare(known) && !isBare(one)) byUrl.set(one.url.href, one);
  }
  return byUrl;
}

const isBare = ({ text }: Candidate): boolean => text === null || text === '' || /^https?:/i.test(text);

function fromHtml(html: string): Candidate[] {
  const { lines, links } = readVisibleHtml(html);
  return links.flatMap(({ href, text, button, line }) => {
    const url = toUrl(href);
    if (url === undefined) return [];
    const around = [lines[line - 1], lines[line]].join(' ').slice(0, MAX_AROUND);
    return [{ url, text: clean(text) || null, around: clean(around), button }];
  });
}

const URLS = /https?:\/\/[^\s<>"'`\u3000、。）」]+/gi;

function fromText(text: string): Candidate[] {
  const lines = stripHidden(text.slice(0, MAX_CHARACTERS)).text.split('\n');
  return lines.flatMap((line, at) => {
    const found = line.length > 20_000 ? [] : [...line.matchAll(URLS)];
    return found.flatMap(({ 0: written, index }) => {
      const url = toUrl(withoutTail(written));
      if (url === undefined) return [];
      const before = line.slice(Math.max(0, index - MAX_AROUND), index);
      return [{ url, text: null, around: clean(`${lineBefore(lines, at)} ${before}`), button: false }];
    });
  });
}

const lineBefore = (lines: readonly string[], at: number): string =>
  [lines[at - 1], lines[at - 2]].find((line) => line !== undefined && line.trim() !== '')?.slice(0, MAX_AROUND) ?? '';

/** Marks after a URL that belong to the sentence; a bracket only where it was not opened within. */
function withoutTail(written: string): string {
  const bare = written.replace(/[.,;:!?*_]{1,10}$/, '');
  return /[)\]]$/.test(bare) && !/[([]/.test(bare) ? bare.slice(0, -1) : bare;
}

function toUrl(written: string): URL | undefined {
  const href = written.trim();
  if (href.length > MAX_URL || !/^https?:\/\//i.test(href) || !URL.canParse(href)) return undefined;
  return new URL(href);
}

const clean = (words: string): string => stripHidden(words).text.replace(/\s+/g, ' ').trim().slice(0, MAX_AROUND);

function rank(candidate: Candidate, subject: string, preferred: readonly string[]): Ranked {
  const { url, text, around, button } = candidate;
  const said = isBare(candidate) ? '' : (text ?? '');
  const inText = purposeOf(said);
  const inUrl = PURPOSE_IN_URL.test(`${url.pathname}${url.search}`.slice(0, 1000));
  const inAround = said === '' ? purposeOf(around) : undefined;
  const inSubject = purposeOf(subject);
  const isPreferred = preferred.some((domain) => url.hostname === domain || url.hostname.endsWith(`.${domain}`));
  const score =
    (inText === undefined ? 0 : 50) +
    (inUrl ? 25 : 0) +
    (inAround === undefined ? 0 : 20) +
    (inSubject === undefined ? 0 : 12) +
    (button ? 12 : 0) +
    (hasSecret(url) ? 12 : 0) +
    (isPreferred ? 100 : 0) -
    penalty(candidate, said, around);
  const because = inText ?? (inUrl ? undefined : (inAround ?? inSubject));
  const reason =
    (inText !== undefined
      ? `what it says is about: ${inText}`
      : because === undefined
        ? 'its address is like that of a confirmation'
        : `what stands before it is about: ${because}`) + (isPreferred ? '; a preferred domain' : '');
  return { url: url.href, domain: url.hostname, text, reason, warnings: warningsOf(candidate), score };
}

const purposeOf = (words: string): string | undefined => PURPOSES.find((one) => one.words.test(words))?.purpose;

/** A long random part: made for this reader. */
const hasSecret = ({ pathname, search }: URL): boolean =>
  /[A-Za-z0-9_-]{16,}|[0-9a-f]{8}-[0-9a-f]{4}-/.test(`${pathname}${search}`.slice(1));

function penalty({ url }: Candidate, said: string, around: string): number {
  const isHome = url.pathname === '/' && url.search === '' && url.hash === '';
  const says = said === '' ? around.slice(-80) : said;
  return (
    (ASIDE.test(said) ||
    /unsubscri|opt-?out|preferences|privacy|terms|legal|imprint|impressum|support|help|faq|blog/i.test(url.pathname)
      ? 120
      : 0) +
    (DENIES.test(says) || /not-?me|report|cancel|revoke|deny|reject/i.test(url.pathname) ? 90 : 0) +
    (SOCIAL.test(url.hostname) ? 150 : 0) +
    (FILE.test(url.pathname) ? 150 : 0) +
    (isHome ? 40 : 0)
  );
}

function warningsOf({ url, text }: Candidate): string[] {
  const shown = shownHost(text ?? '');
  const isOther = shown !== undefined && registrable(shown) !== registrable(url.hostname);
  return [
    ...(isOther ? [`it shows ${shown} and leads to ${url.hostname}`] : []),
    ...(/(?:^|\.)xn--/.test(url.hostname) ? ['its domain has letters of other scripts and may look like another'] : []),
    ...(/^[\d.]+$|^\[/.test(url.hostname) ? ['it leads to a bare IP address'] : []),
    ...(url.username === '' ? [] : ['it has a user name before its domain, which can hide where it leads']),
    ...(url.protocol === 'http:' ? ['it is not encrypted (http)'] : []),
  ];
}

/** The host a link's own text names, where it names one. */
function shownHost(text: string): string | undefined {
  const [, host] = /^(?:https?:\/\/)?((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24})(?:[/:?#]|$)/i.exec(text.trim()) ?? [];
  return host?.toLowerCase();
}

/** Good enough to tell example.com from example.net; not a list of public suffixes. */
const registrable = (host: string): string => host.split('.').slice(-2).join('.');
