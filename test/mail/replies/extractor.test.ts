import { performance } from 'node:perf_hooks';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../relay/clock.ts';
import { silentLog } from '../../../relay/log.ts';
import type { Extractor } from '../../../relay/mail/contracts.ts';
import { EXTRACTION_NOTES } from '../../../relay/mail/replies/extraction-notes.ts';
import { type ExtractorOptions, startExtractor } from '../../../relay/mail/replies/extractor.ts';
import { extractNewWords } from '../../../relay/mail/replies/new-words.ts';
import { HOSTILE_REPLIES } from '../../support/hostile-replies.ts';

const STUCK = new URL('../../support/stuck-extractor.mjs', import.meta.url);
const started: Extractor[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((extractor) => extractor.close()));
});

function start(options: Partial<ExtractorOptions> = {}): Extractor {
  const extractor = startExtractor({ clock: systemClock, log: silentLog, ...options });
  started.push(extractor);
  return extractor;
}

const mail = (text: string) => ({ text, html: null });
const whole = (text: string) => ({ body: text, quoted: null, signature: null, notes: [EXTRACTION_NOTES.stopped] });

describe('the thread', () => {
  test('answers as the pure function does, each mail its own, in the order asked', async () => {
    const extractor = start();
    const mails = Array.from({ length: 30 }, (_, n) => ({
      text: `Answer ${n}\n\nOn 19 Nov 2026 at 10:00, Bob <bob@example.com> wrote:\n> q`,
      html: n % 2 === 0 ? null : `<div>Answer ${n}</div><blockquote type="cite">q</blockquote>`,
    }));
    const order: string[] = [];
    const words = await Promise.all(
      mails.map(async (one) => {
        const found = await extractor.extract(one);
        order.push(found.body);
        return found;
      }),
    );
    expect(words).toEqual(mails.map((one) => extractNewWords(one)));
    expect(order).toEqual(mails.map((_, n) => `Answer ${n}`));
  });

  test.each(['hang', 'exit', 'exit before', 'throw', 'eat', 'fail'])(
    'that would %s gives the whole mail, and the mails around it get their own answers',
    async (text) => {
      const extractor = start({ program: STUCK, limitMs: text === 'eat' ? 10_000 : 100 });
      const asked = ['a', text, 'b', text, 'c'].map((one) => extractor.extract(mail(one)));
      const bodies = await Promise.all(asked);
      expect(bodies.map(({ body }) => body)).toEqual(['got a', text, 'got b', text, 'got c']);
      expect(bodies[1]).toEqual(whole(text));
    },
  );

  test('is timed from the beginning of the work, not from its own start', async () => {
    const waits: number[] = [];
    const clock: Clock = {
      ...systemClock,
      sleep: async (ms, signal) => {
        waits.push(ms);
        await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
      },
    };
    const extractor = start({ clock, program: STUCK });
    await extractor.extract(mail('a'));
    await extractor.extract(mail('b'));
    expect(waits).toEqual([30_000, 1000, 1000]);
  });

  test('on a machine that gives the process no time is waited for, but not for ever', async () => {
    const waits: number[] = [];
    const clock: Clock = {
      ...systemClock,
      sleep: async (ms, signal) => {
        if (ms === 1000) waits.push(ms);
        else await systemClock.sleep(ms, signal);
      },
    };
    const starved = start({ clock, worked: () => 0, program: STUCK });
    expect(await starved.extract(mail('hang'))).toEqual(whole('hang'));
    expect(waits).toHaveLength(8);
    waits.length = 0;
    let used = 0;
    const worked = () => {
      used += 400;
      return used;
    };
    expect(await start({ clock, worked, program: STUCK }).extract(mail('hang'))).toEqual(whole('hang'));
    expect(waits).toHaveLength(3);
  });

  test('an answer that is there when the time is over counts', async () => {
    const clock: Clock = {
      ...systemClock,
      // The relay was busy for so long that the timer comes first.
      sleep: async (ms) => {
        if (ms !== 1000) return new Promise<void>(() => undefined);
        for (const end = performance.now() + 150; performance.now() < end; );
      },
    };
    expect((await start({ clock, program: STUCK }).extract(mail('a'))).body).toBe('got a');
  });

  test('is closed after what was asked for; later mails come whole', async () => {
    const extractor = start({ program: STUCK });
    const asked = Promise.all([extractor.extract(mail('a')), extractor.extract(mail('b'))]);
    await extractor.close();
    expect((await asked).map(({ body }) => body)).toEqual(['got a', 'got b']);
    expect(await extractor.extract(mail('c'))).toEqual(whole('c'));
  });
});

describe('hostile mail is answered in time', () => {
  const extractor = startExtractor({ clock: systemClock, log: silentLog });
  const times: [number, string][] = [];

  test.each(Object.entries(HOSTILE_REPLIES))('%s', async (name, email) => {
    if (times.length === 0) await extractor.extract(mail('first'));
    const before = performance.now();
    const words = await extractor.extract(email);
    times.push([performance.now() - before, name]);
    expect(words.notes).not.toContain(EXTRACTION_NOTES.stopped);
    // Where somebody wrote something, something comes out.
    const said = /Yes|[a-z]/.test(`${email.text}${(email.html ?? '').replace(/<[^>]*>?/g, '')}`);
    const quotedAlone = name === 'style sheets' || name === 'unclosed tags';
    if (said && !quotedAlone) expect(`${words.body}${words.quoted ?? ''}`.trim()).not.toBe('');
  });

  test('and the slowest are these', async () => {
    await extractor.close();
    const slowest = times.toSorted(([a], [b]) => b - a).slice(0, 5);
    console.log(`slowest hostile mails: ${slowest.map(([ms, name]) => `${name} ${Math.round(ms)} ms`).join(', ')}`);
    expect(times).toHaveLength(Object.keys(HOSTILE_REPLIES).length);
  });
});
