import { describe, expect, test } from 'vitest';
import { walkHtml } from '../../../relay/mail/parse/html-elements.ts';
import { htmlToPlain, withoutPictures } from '../../../relay/mail/parse/html-text.ts';
import { readHtmlLines } from '../../../relay/mail/replies/html-lines.ts';
import { extractNewWords } from '../../../relay/mail/replies/new-words.ts';

const plain = (html: string): string => htmlToPlain(html).text;

describe('the text of HTML', () => {
  test.each([
    ['paragraphs', '<p>one<p>two', 'one\n\ntwo'],
    [
      'Outlook’s paragraphs',
      '<p class="MsoNormal">one</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>two',
      'one\n\ntwo',
    ],
    ['lines', '<div>one<br></div><div>two</div>three<div><br></div>four', 'one\ntwo\nthree\n\nfour'],
    ['white space', ' one\n  two<b> three </b>four', 'one two three four'],
    ['lists', '<ul><li>a<li><p>b</p><ol><li>c</ol></ul>d', '- a\n- b\n  1. c\n\nd'],
    ['preformatted', 'x<pre>a\n  b</pre>y', 'x\n\na\n  b\n\ny'],
    [
      'links',
      '<a href="https://a.example/">a.example</a> <a href="https://b.example">b</a> <a href="#c">c</a>',
      'a.example b <https://b.example> c',
    ],
    ['an address', '<a href="mailto:bob@example.com">bob@example.com</a>', 'bob@example.com'],
    ['emoji shown as pictures', 'ok <img alt="👍🏽" src="x"><img alt="Logo" src="y">', 'ok 👍🏽'],
    ['tables', '<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>d', 'a b\nc\nd'],
    ['quotes in quotes', 'a<blockquote>b<blockquote>c</blockquote></blockquote>', 'a\n> b\n>> c'],
    ['an indent made by a quote', '<blockquote style="margin:0 0 0 40px;border:none">a</blockquote>', 'a'],
    ['entities', '&lt;b&gt; &amp;amp; &bogus; &#x1F44D;', '<b> &amp; &bogus; 👍'],
    ['end tags in the wrong order', '<b><i>a</b> b</i> c', 'a b c'],
    ['a tag that never ends', 'a <b b', 'a'],
  ])('%s', (_, html, text) => {
    expect(plain(html)).toBe(text);
  });

  test.each([
    ['by a style', '<span style="DISPLAY : none">x</span>'],
    [
      'by a class',
      '<style>.h, #i { display: none } @media print { .seen { display: none } }</style><b class="a h">x</b>',
    ],
    ['by an id', '<style><!-- #i{mso-hide:all} --></style><b id=i>x</b>'],
    ['by size', '<span style="font-size:0">x</span>'],
    ['by place', '<span style="position:absolute;left:-9999px">x</span>'],
    ['by a nearer place', '<span style="position:absolute;left:-999px">x</span>'],
    ['by a font of no size', '<span style="font:0/0 a">x</span>'],
    ['by a number without its nought', '<span style="opacity:.0">x</span>'],
    ['in a box without height', '<span style="height:0;overflow:hidden">x</span>'],
    ['as a template', '<template>x</template><script>x</script><title>x</title><textarea>x</textarea>'],
    ['below other elements', '<div hidden><p><b style="display:block">x</b></p></div>'],
  ])('without what is hidden %s', (_, html) => {
    expect(plain(`a ${html}<span class="seen">b</span>`)).toBe('a b');
  });

  test('a picture in the HTML costs no text', () => {
    const picture = `<img src="data:image/png;base64,${'A'.repeat(2_000_000)}">`;
    expect(plain(withoutPictures(`${picture}Yes`))).toBe('Yes');
  });
});

test('lines know what the elements around them say', () => {
  const html = [
    '<div>Yes</div><div class="m_-12gmail_signature">Anna</div>',
    '<div class="gmail_quote"><div class="gmail_attr">X Y:</div><blockquote>q</blockquote>No</div>',
    '<div id="x_divRplyFwdMsg"><b>Z:</b> b</div><pre><code>c</code></pre>',
  ];
  expect(
    readHtmlLines(html.join(''))
      .filter(({ text }) => text !== '')
      .map(({ text, depth, role }) => [text, depth, role]),
  ).toEqual([
    ['Yes', 0, null],
    ['Anna', 0, 'signature'],
    ['X Y:', 0, 'mark'],
    ['q', 1, null],
    ['No', 0, null],
    ['Z: b', 0, 'original'],
    ['c', 0, 'code'],
  ]);
});

test('of nested elements 256 are open at once, of tags 20,000 are read, of text all', () => {
  const seen = { open: 0, deepest: 0, opened: 0, closed: 0, text: '' };
  const visitor = {
    open: () => {
      seen.opened += 1;
      seen.open += 1;
      seen.deepest = Math.max(seen.deepest, seen.open);
    },
    close: () => {
      seen.closed += 1;
      seen.open -= 1;
    },
    text: (text: string) => {
      seen.text += text;
    },
  };
  walkHtml(`a${'<div>'.repeat(5000)}b${'</div>'.repeat(5000)}c`, visitor);
  expect(seen).toEqual({ open: 0, deepest: 256, opened: 256, closed: 256, text: 'abc' });
  walkHtml(`${'<b></b>'.repeat(30_000)}d`, visitor);
  expect(seen).toEqual({ open: 0, deepest: 256, opened: 20_256, closed: 20_256, text: 'abcd' });
});

describe('text and HTML together', () => {
  const html = (answer: string): string =>
    `<div>${answer}</div><div class="gmail_quote"><blockquote>Shall I?</blockquote></div>`;

  test('where they say the same the paragraphs of the HTML count', () => {
    expect(extractNewWords({ text: 'Yes, but\nlater.\n\n> Shall I?', html: html('Yes, but later.') }).body).toBe(
      'Yes, but later.',
    );
  });

  test('where the text does not mark the quote the HTML does', () => {
    const words = extractNewWords({ text: 'Yes.\n\nShall I?', html: html('Yes.') });
    expect(words).toEqual({ body: 'Yes.', quoted: '> Shall I?', signature: null, notes: [] });
  });

  test('where they disagree the text is shown and both are there to read', () => {
    const words = extractNewWords({ text: 'No.\n\n> Shall I?', html: html('Yes.') });
    expect(words.body).toBe('No.');
    expect(words.quoted).toContain('Yes.');
    expect(words.notes).toEqual([expect.stringContaining('different things')]);
  });

  test('a text that says only that there is HTML says nothing', () => {
    const text = 'Your email client does not support HTML messages.';
    expect(extractNewWords({ text, html: html('Yes.') })).toMatchObject({ body: 'Yes.', notes: [] });
  });

  test('where the HTML has nothing new and the text has, the text is shown and said to be unsure', () => {
    const words = extractNewWords({
      text: 'Shall I?',
      html: '<div class="gmail_attr">A 1:</div><blockquote>Shall I?</blockquote>',
    });
    expect(words).toMatchObject({ body: 'Shall I?', notes: [expect.stringContaining('for certain')] });
  });
});
