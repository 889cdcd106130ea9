/**
 * An email as a phone shows it: composed, parsed, its HTML opened in Chromium at 360 points, light and dark. Nothing is wider
 * than the screen, nothing comes from elsewhere, and there is something to see.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { composeEmail, readEmailFrame } from '../../../relay/mail/compose/compose-email.ts';
import type { EmailDraft } from '../../../relay/mail/contracts.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) =>
  existsSync(file),
);
if (CHROMIUM === undefined) console.log('skipped: there is no chromium on this machine, so no picture can be made');

const WIDTH = 360;
const HEIGHT = 740;
const run = promisify(execFile);
const FRAME = readEmailFrame(path.join(import.meta.dirname, '../../../templates/email'));

const BODY = `Shall I deploy **now**? The build \`7f3a9c1\` is green.

## What changes

- the cache is emptied once
- migration \`20261119_add_index\` runs (2 min)
  - it can be taken back
1. first this
2. then that

\`\`\`ts
export const veryLongIdentifierThatGoesOnAndOn = someFunction(withArguments, andMoreArguments, andEvenMoreOfThem);
  indented();
\`\`\`

> You said: not on a Friday.

See [the run](https://ci.example.com/runs/42) or https://builds.example.com/${'a1b2c3d4e5'.repeat(18)}?x=1.

${'x'.repeat(300)}

שלום, האם להמשיך? תשובה קצרה מספיקה.

هل أتابع النشر الآن؟

今日デプロイしてもよろしいですか？これは長い日本語の文章で、行の途中で折り返されるはずです。

| step | state |
|------|-------|
| ${'long '.repeat(30)} | ok |`;

const DRAFT: EmailDraft = {
  from: { address: 'bob@agents.example.com', name: 'Bob' },
  replyTo: { address: 'bob+r1token@agents.example.com', name: 'Bob' },
  to: ['person@example.com'],
  cc: [],
  subject: 'Deploy?',
  topic: 'Deploy?',
  body: BODY,
  messageId: '<tp.1@agents.example.com>',
  inReplyTo: null,
  references: [],
  sentAt: Date.UTC(2026, 10, 19, 9),
  isAnswer: false,
  agent: {
    address: 'bob@agents.example.com',
    threadId: 'thr_01kjpy44e00gvqkym4tcv4gr3n',
    type: 'query',
    priority: 'normal',
    requiresResponse: true,
    hop: 1,
    jws: 'a.b.c',
  },
  data: null,
  attachments: [],
  linked: {
    until: Date.UTC(2026, 11, 3),
    files: [{ filename: `${'long-name-'.repeat(8)}.tar.gz`, size: 123_456_789, url: 'https://relay.example.com/f/x' }],
  },
  unsubscribe: { url: `https://relay.example.com/u/u1${'a'.repeat(32)}`, address: 'bob+u1x@agents.example.com' },
};

/** What the page says of itself: how wide it is, what sticks out, its colours, and what it asked others for. */
const MEASURE = `<script>addEventListener('load', () => {
  const wide = [...document.querySelectorAll('body *')].filter((e) => { const r = e.getBoundingClientRect(); return r.right > innerWidth + 0.5 || r.left < -0.5; });
  const style = getComputedStyle(document.body);
  const small = [...document.querySelectorAll('body *')].filter((e) => parseFloat(getComputedStyle(e).fontSize) < 12);
  parent.document.title = JSON.stringify({ width: document.documentElement.scrollWidth, screen: innerWidth, wide: wide.length,
    small: small.length, ground: style.backgroundColor, ink: style.color, rtl: [...document.querySelectorAll('[dir]')].filter((e) => getComputedStyle(e).direction === 'rtl').length,
    loaded: performance.getEntriesByType('resource').length });
});</script></body>`;

interface Measured {
  readonly width: number;
  readonly screen: number;
  readonly wide: number;
  readonly small: number;
  readonly ground: string;
  readonly ink: string;
  readonly rtl: number;
  readonly loaded: number;
}

describe.skipIf(CHROMIUM === undefined)('on a phone', { timeout: 120_000 }, () => {
  let folder: string;
  let html: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'turnpost-phone-'));
    html = (await parseEmail(await composeEmail(DRAFT, FRAME))).html ?? '';
    writeFileSync(path.join(folder, 'mail.html'), html);
    // A window may not be narrower than 500 points, a frame in it may.
    const measured = html.replace('</body>', MEASURE).replaceAll('&', '&amp;').replaceAll('"', '&quot;');
    const frame = `<iframe style="border:0;width:${WIDTH}px;height:${HEIGHT}px" srcdoc="${measured}"></iframe>`;
    writeFileSync(path.join(folder, 'measured.html'), `<!doctype html><title></title>${frame}`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const chromium = async (isDark: boolean, file: string, ...args: string[]): Promise<string> => {
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      `--user-data-dir=${folder}/profile`,
    ];
    // 0 is dark, 1 is light: blink::mojom::PreferredColorScheme.
    const scheme = `--blink-settings=preferredColorScheme=${isDark ? 0 : 1}`;
    const place = pathToFileURL(path.join(folder, file)).href;
    const all = [...flags, scheme, `--window-size=${WIDTH},${HEIGHT}`, ...args, place];
    return (await run(CHROMIUM ?? '', all, { maxBuffer: 10_000_000, timeout: 60_000 })).stdout;
  };

  test.each([
    ['light', false, 'rgb(255, 255, 255)', 'rgb(26, 26, 26)'],
    ['dark', true, 'rgb(18, 18, 18)', 'rgb(230, 230, 230)'],
  ])(
    '%s: nothing is wider than the screen or too small to read, and nothing is fetched',
    async (_, isDark, ground, ink) => {
      const page = await chromium(isDark, 'measured.html', '--dump-dom');
      const title = /<title>([^<]*)<\/title>/.exec(page)?.[1]?.replaceAll('&quot;', '"') ?? '';
      const measured: Measured = JSON.parse(title);
      expect(measured).toEqual({ width: WIDTH, screen: WIDTH, wide: 0, small: 0, ground, ink, rtl: 2, loaded: 0 });
    },
  );

  test.each([
    ['light', false],
    ['dark', true],
  ])('%s: the picture shows something', async (name, isDark) => {
    const file = path.join(folder, `${name}.png`);
    await chromium(isDark, 'mail.html', `--screenshot=${file}`);
    const picture = readPicture(readFileSync(file));
    expect([picture.width, picture.height]).toEqual([WIDTH, HEIGHT]);
    // Lines of text: many rows of the picture are not of one colour.
    expect(picture.busyRows).toBeGreaterThan(HEIGHT / 4);
    expect(picture.busyRows).toBeLessThan(HEIGHT);
  });

  test('it asks for nothing from elsewhere and runs nothing', () => {
    expect(html).not.toMatch(/<(?:img|script|link|iframe|form|object|video)\b|url\(|@import|\bon\w+=/i);
  });
});

/** The size of a PNG, and how many of its rows differ from a row of one colour (PNG specification, sections 9 and 11). */
function readPicture(png: Buffer): { width: number; height: number; busyRows: number } {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const rows = inflateSync(Buffer.concat(parts));
  const rowBytes = rows.length / height;
  const pixel = Math.round((rowBytes - 1) / width);
  let busyRows = 0;
  for (let row = 0; row < height; row += 1) {
    // Filtered by any of the five filters, a row like its neighbours is all zeros behind its first pixel.
    const bytes = rows.subarray(row * rowBytes + 1 + pixel, (row + 1) * rowBytes);
    const [first = 0] = bytes;
    if (bytes.some((byte) => byte !== first && byte !== 0)) busyRows += 1;
  }
  return { width, height, busyRows };
}
