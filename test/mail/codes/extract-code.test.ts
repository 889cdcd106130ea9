/** Codes and links found in mails as sign-up services write them (test/cases/codes), with the count printed; and hostile input. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { extractCode } from '../../../relay/mail/codes/extract-code.ts';
import { extractLink } from '../../../relay/mail/codes/extract-link.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';

const CASES = path.join(import.meta.dirname, '../../cases/codes');
const Expected = z.record(z.string(), z.object({ code: z.string().nullable(), link: z.string().nullable() }));
const expected = Expected.parse(JSON.parse(readFileSync(path.join(CASES, 'expect.json'), 'utf8')));

/** Of all cases; each one that is wrong is printed. */
const LEAST_RIGHT = 0.95;

async function wrongOnes(kind: 'code' | 'link'): Promise<string[]> {
  const rows = Object.entries(expected).map(async ([file, want]) => {
    const mail = await parseEmail(readFileSync(path.join(CASES, file)));
    const found = kind === 'code' ? extractCode(mail).best?.code : extractLink(mail).best?.url;
    return (found ?? null) === want[kind] ? [] : [`${file}: ${found ?? 'none'}, not ${want[kind] ?? 'none'}`];
  });
  return (await Promise.all(rows)).flat();
}

describe('the cases', () => {
  test.each(['code', 'link'] as const)('%s: at least 95 % are right', async (kind) => {
    const all = Object.keys(expected).length;
    const wrong = await wrongOnes(kind);
    process.stdout.write(`${kind}s: ${all - wrong.length} of ${all} cases right\n${wrong.join('\n')}\n`);
    expect(all).toBeGreaterThanOrEqual(60);
    expect((all - wrong.length) / all, wrong.join('\n')).toBeGreaterThanOrEqual(LEAST_RIGHT);
  });
});

const mail = (text: string, subject: string | null = null, html: string | null = null) => ({ subject, text, html });
const codes = (text: string): (string | undefined)[] => {
  const { best, alternatives } = extractCode(mail(text));
  return [best, ...alternatives].map((found) => found?.code);
};

describe('codes', () => {
  test('the best one comes with its line and how sure it is; others that may be it follow', () => {
    const found = extractCode(mail('Your sign-in code is 482913.\nBackup code: 7K2M9Q'));
    expect(found.best).toEqual({ code: '482913', confidence: 'high', context: 'Your sign-in code is 482913.' });
    expect(found.alternatives).toMatchObject([{ code: '7K2M9Q' }]);
    expect(extractCode(mail('482913')).best?.confidence).toBe('low');
    expect(extractCode(mail('Hello'))).toEqual({ best: null, alternatives: [] });
  });

  test('the digits behind a prefix are offered too', () => {
    expect(codes('G-482913 is your code')).toEqual(['G-482913', '482913']);
  });

  test.each([
    'Call +49 30 123456 or (555) 010 0123',
    '20.11.2026, 2026-11-20, 11/20/2026, 09:45:12, 1998',
    'Total: $4829.13, 4829 EUR, €482913, 482913 points, 50000 users',
    'order #482913, invoice 482913, tracking 482913, ticket no 482913, ref. 482913',
    'Springfield, CA 94107; PLZ 10115; postcode 1234 AB; zip code 94107',
    'color:#112233; background:#aabbcc',
    'https://example.com/482913?code=482913 code-482913@example.com',
    'card ending in 4242, **** **** **** 4242, IBAN DE89370400440532013000',
  ])('none is in "%s"', (text) => {
    expect(codes(text)).toEqual([undefined]);
  });

  test('what a reader does not see is no code: styles, hidden elements, comments, addresses of links', () => {
    const html =
      '<style>.code{color:#482913}</style><!-- code 111111 --><div style="display:none">code 222222</div><a href="https://x.example/?code=333333">Your code</a><p>Your code: 444444</p>';
    const { best, alternatives } = extractCode(mail('', null, html));
    expect([best?.code, ...alternatives.map(({ code }) => code)]).toEqual(['444444']);
  });
});

describe('links', () => {
  const linksIn = (html: string, preferred: string[] = []) => extractLink(mail('', 'Confirm', html), preferred);

  test('a link says where it leads, what it says and why it was chosen', () => {
    const { best } = linksIn('<a href="https://example.com/c?token=0123456789abcdef01">Confirm email</a>');
    expect(best).toEqual({
      url: 'https://example.com/c?token=0123456789abcdef01',
      domain: 'example.com',
      text: 'Confirm email',
      reason: 'what it says is about: confirm or verify',
      warnings: [],
    });
  });

  test('what speaks against a link is said', () => {
    const { best } = linksIn('<a href="http://user@xn--exmple-cua.test/confirm?t=1">https://example.com/confirm</a>');
    expect(best?.warnings).toEqual([
      'it shows example.com and leads to xn--exmple-cua.test',
      'its domain has letters of other scripts and may look like another',
      'it has a user name before its domain, which can hide where it leads',
      'it is not encrypted (http)',
    ]);
  });

  test('a preferred domain comes first, with its subdomains and nothing that only ends alike', () => {
    const html = [
      'https://a.example/verify?t=1',
      'https://login.example.net/verify?t=2',
      'https://badexample.net/verify?t=3',
    ]
      .map((url) => `<a href="${url}">Verify</a>`)
      .join(' ');
    const { best, alternatives } = linksIn(html, ['example.net']);
    expect(best?.url).toBe('https://login.example.net/verify?t=2');
    expect(alternatives.map(({ domain }) => domain)).toEqual(['a.example', 'badexample.net']);
    expect(
      linksIn('<a href="https://example.net/unsubscribe?token=1">Unsubscribe</a>', ['example.net']).best,
    ).toBeNull();
  });

  test.each([
    'javascript:confirm()',
    'data:text/html,confirm',
    'mailto:confirm@example.com',
    '/confirm',
    'ftp://example.com/confirm',
  ])('%s is no link', (href) =>
    expect(linksIn(`<a href="${href}">Confirm</a>`)).toEqual({ best: null, alternatives: [] }),
  );
});

describe('hostile input', () => {
  const hostile: readonly (readonly [string, string])[] = [
    ['letters', 'a'.repeat(1_000_000)],
    ['digits', '1'.repeat(1_000_000)],
    ['groups', '1 '.repeat(500_000)],
    ['dashes', '1-'.repeat(500_000)],
    ['lines', '1\n'.repeat(500_000)],
    ['the word', 'code '.repeat(200_000)],
    ['codes', 'code 482913\n'.repeat(100_000)],
    ['addresses', 'http://'.repeat(150_000)],
    ['at signs', 'a@'.repeat(500_000)],
    ['brackets', '<'.repeat(1_000_000)],
    ['links', '<a href="https://example.com/verify?t=1">'.repeat(20_000)],
    ['depth', '<div>'.repeat(150_000)],
    ['surrogates', '\ud800'.repeat(500_000)],
    ['accents', '\u0301\u0323'.repeat(50_000)],
  ];
  test.each(hostile)('%s: an end, soon', (_, text) => {
    const started = performance.now();
    extractCode(mail(text, text, text));
    extractLink(mail(text, text, text));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
