/** Mail made to cost time: each entry took some published reply parser, HTML parser or pattern seconds to hours. */
import type { ParsedEmail } from '../../relay/mail/contracts.ts';

type Email = Pick<ParsedEmail, 'text' | 'html'>;

const text = (value: string): Email => ({ text: value, html: null });
const html = (value: string): Email => ({ text: '', html: value });

export const HOSTILE_REPLIES: Readonly<Record<string, Email>> = {
  '100 kB of newlines': text('\n'.repeat(100_000)),
  '100,000 dashes': text('-'.repeat(100_000)),
  '100,000 underscores': text('_'.repeat(100_000)),
  '100,000 spaces': text(' '.repeat(100_000)),
  '120 kB of On a a a': text(`On ${'a '.repeat(60_000)}`),
  'lines of On a a a': text(`On ${'a '.repeat(200)}\n`.repeat(300)),
  'attributions without end': text('On 2026-01-01 10:00\n'.repeat(5000)),
  'attributions without an end, in paragraphs': text('On 2026-01-01 10:00 a <b@c\n\n'.repeat(5000)),
  'long half attributions': text(`On 1 wrote <${'a'.repeat(450)}\n`.repeat(2000)),
  'names before dates': text('a schrieb 10:00 1.1.2026 b c d e f\n'.repeat(4000)),
  'quotes and words in turn': text('> a\nb\n'.repeat(20_000)),
  'quotes and words in turn under an attribution': text(`On 1 Jan 2026 10:00 a wrote:\n${'> a\nb\n'.repeat(20_000)}`),
  '100,000 quote marks in a line': text('> '.repeat(100_000)),
  '20,000 quoted lines': text(`${'> a\n'.repeat(20_000)}b`),
  signatures: text('-- \n'.repeat(30_000)),
  'header blocks': text('From: a\n'.repeat(10_000)),
  'header blocks almost': text('From: a\nTo: b\nSubject: c\n\n'.repeat(5000)),
  'half footers': text(`sent from ${'mail '.repeat(30)}\n`.repeat(2000)),
  'half notices': text(`this email is ${'checked '.repeat(20)}\n`.repeat(2000)),
  'separators almost': text(`-----Original ${'Message '.repeat(40)}\n`.repeat(1500)),
  fences: text('```\n'.repeat(20_000)),
  'markers of ours': text('-- Please write your answer above this line --\n'.repeat(2000)),
  'a line of a megabyte': text('x'.repeat(1_000_000)),
  'combining marks': text('a\u0301\u0327'.repeat(30_000)),
  '100,000 nested blockquotes': html(`Yes${'<blockquote>'.repeat(100_000)}`),
  '40,000 nested blockquotes with words': html(`${'<blockquote>'.repeat(40_000)}Yes`),
  '100,000 nested elements, closed': html(`${'<b>'.repeat(50_000)}Yes${'</b>'.repeat(50_000)}`),
  '100,000 opening brackets': html('<'.repeat(100_000)),
  '40,000 style tags without an end': html('<style</style'.repeat(40_000)),
  'unclosed tags': html('<div class="gmail_quote" '.repeat(20_000)),
  'end tags without a beginning': html(`${'<div><b>'.repeat(100)}Yes${'</i></b></p>'.repeat(40_000)}`),
  'one attribute of 400 kB': html(`<p style="${'a:b;'.repeat(100_000)}">Yes</p>`),
  '60,000 attributes': html(`<p ${'a=b '.repeat(60_000)}>Yes</p>`),
  'half comments': html('<!--'.repeat(100_000)),
  'half comments in a style': html(`<p style="${'/*'.repeat(150_000)}">Yes</p>`),
  'style sheets': html(`${'<style>.a{display:none}'.repeat(20_000)}Yes`),
  'a style sheet of braces': html(`<style>${'{'.repeat(200_000)}</style>Yes`),
  entities: html('&amp;'.repeat(100_000)),
  'entities without an end': html('&'.repeat(200_000)),
  '120,000 line ends': html(`${'<br>'.repeat(120_000)}Yes`),
  '100,000 paragraphs': html(`${'<p>'.repeat(100_000)}Yes`),
  'lists in lists': html(`${'<ul><li>'.repeat(50_000)}Yes`),
  'tables in tables': html(`${'<table><tr><td>'.repeat(25_000)}Yes`),
  '50,000 links': html('<a href="https://example.com">x</a>'.repeat(14_000)),
  'a part of a and one of b': { text: `${'a'.repeat(60_000)}b`, html: `<p>${'a'.repeat(60_000)}c</p>` },
  'parts that differ in every line': {
    text: Array.from({ length: 1900 }, (_, n) => `line ${n}`).join('\n'),
    html: Array.from({ length: 1900 }, (_, n) => `<p>line ${n % 7}</p>`).join(''),
  },
};
