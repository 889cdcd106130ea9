/** An agent's words as HTML: what Markdown means, everything else as it stands, and nothing that could do harm. */
import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import { describe, expect, test } from 'vitest';
import { markdownToHtml } from '../../../relay/mail/compose/markdown-html.ts';

/** Tags without their attributes, and the text as a reader gets it. */
function read(html: string): { tags: string; text: string; hrefs: string[]; names: Set<string> } {
  let tags = '';
  let text = '';
  const hrefs: string[] = [];
  const names = new Set<string>();
  const parser = new Parser({
    onopentag: (name, { href }) => {
      tags += `<${name}>`;
      names.add(name);
      if (href !== undefined) hrefs.push(href);
    },
    ontext: (part) => {
      tags += part;
      text += part;
    },
    onclosetag: (name) => {
      tags += `</${name}>`;
    },
  });
  parser.end(html);
  return { tags: tags.replaceAll('\n<', '<'), text, hrefs, names };
}
const tagsOf = (text: string): string => read(markdownToHtml(text)).tags;

describe('what Markdown means', () => {
  test.each([
    ['one\n  two\n\nthree', '<p>one\n  two</p><p>three</p>'],
    ['# Title', '<p><b>Title</b></p>'],
    ['a **b** `c *d*`', '<p>a <b>b</b> <code>c *d*</code></p>'],
    ['- a\n- b\n  more\n  - c\n1. d', '<ul><li>a</li><li>b\nmore</li><li>c</li><li>1. d</li></ul>'],
    ['```ts\nif (a < b) {\n  **x**\n}\n```\nafter', '<pre>if (a < b) {\n  **x**\n}</pre><p>after</p>'],
    ['~~~\nnever closed', '<pre>never closed</pre>'],
    ['> a\n> b\nc', '<div>a\nb</div><p>c</p>'],
    ['| a | b |\n|---|---|\n| 1 | 2 |', '<pre>| a | b |\n|---|---|\n| 1 | 2 |</pre>'],
    ['2 * 3 * 4 and snake_case_name', '<p>2 * 3 * 4 and snake_case_name</p>'],
    ['', ''],
  ])('%j', (text, html) => expect(tagsOf(text)).toBe(html));
});

describe('links', () => {
  test.each([
    ['see https://a.example/b?c=1&d=2.', ['https://a.example/b?c=1&d=2'], 'see https://a.example/b?c=1&d=2.'],
    ['[the run](https://a.example/1)', ['https://a.example/1'], 'the run'],
    ['[mail](mailto:a@example.com)', ['mailto:a@example.com'], 'mail'],
    [
      '[https://bank.example](https://evil.example)',
      ['https://evil.example'],
      'https://bank.example (https://evil.example)',
    ],
    ['[bank.example](https://evil.example)', ['https://evil.example'], 'bank.example (https://evil.example)'],
    ['[x](javascript:alert(1))', [], '[x](javascript:alert(1))'],
    ['[x](data:text/html,x) ftp://a.example', [], '[x](data:text/html,x) ftp://a.example'],
    ['https://a.example/"onmouseover="x', ['https://a.example/'], 'https://a.example/"onmouseover="x'],
  ])('%j', (text, hrefs, words) => {
    const seen = read(markdownToHtml(text));
    expect([seen.hrefs, seen.text]).toEqual([hrefs, words]);
  });
});

test('whatever it is, only our own tags come of it, and no letter is lost', () => {
  const unit = fc.constantFrom(
    ...'ab1 \n\t#*->|`~[]().<"\'&;:/=',
    '\r\n',
    'é',
    '<script>',
    '</p>',
    'https://x.example',
  );
  const noFence = (text: string): boolean => !/`{3}|~{3}/.test(text);
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 200 }).filter(noFence), (text) => {
      const seen = read(markdownToHtml(text));
      for (const name of seen.names) expect(['p', 'b', 'ul', 'li', 'pre', 'code', 'div', 'a']).toContain(name);
      const letters = (words: string) => words.replace(/[^\p{L}\p{N}]/gu, '');
      if (!text.includes('](')) expect(letters(seen.text)).toBe(letters(text));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['fences', '```\n'.repeat(50_000)],
  ['open marks', '**`['.repeat(50_000)],
  ['items', '- a\n'.repeat(50_000)],
  ['bars', '| '.repeat(100_000)],
  ['addresses', 'https://'.repeat(30_000)],
  ['blanks', ' '.repeat(500_000)],
])('%s without end take a moment only', (_, text) => {
  const startedAt = performance.now();
  markdownToHtml(text);
  expect(performance.now() - startedAt).toBeLessThan(1_500);
});
