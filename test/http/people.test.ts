/** What a person without a key reaches by the links of an email. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { savedAs } from '../../relay/http/people.ts';
import { parseEmail } from '../../relay/mail/parse/parse-email.ts';
import { DAY } from '../support/manual-clock.ts';
import { openFixture, type RelayFixture, ShiftedClock, type TestAgent } from '../support/relay-fixture.ts';
import { ALL } from '../support/store-fixture.ts';

const PERSON = 'person@example.com';
const clock = new ShiftedClock();
let fixture: RelayFixture;
let agent: TestAgent;
beforeAll(async () => {
  fixture = await openFixture({
    clock,
    env: {
      TURNPOST_DOMAIN: 'agents.example.com',
      TURNPOST_PUBLIC_URL: 'https://relay.example.com',
      TURNPOST_MAX_EMAIL: '64KiB',
    },
  });
  agent = await fixture.agent('asker');
});
afterAll(() => fixture.close());

const open = (method: string, where: string, headers: Record<string, string> = {}, body?: string) =>
  fixture.call(method, where, {
    key: null,
    headers: { host: 'relay.example.com', ...headers },
    ...(body !== undefined && { body }),
  });

/** The path of the first link of that kind in the newest email. */
async function linkIn(kind: 'u' | 'f'): Promise<string> {
  const [item] = (await fixture.relay.stores.outbox.list(ALL)).items;
  const { text } = await parseEmail(item?.email.raw ?? Buffer.alloc(0));
  return new RegExp(`https://relay\\.example\\.com(/${kind}/\\S+)`).exec(text)?.[1] ?? '';
}

describe('the link to stop mail', () => {
  const isStopped = async () =>
    (await fixture.relay.stores.suppressions.find(PERSON, agent.id, clock.now())) !== undefined;

  test('asks first: looking, also by programs that open every link, changes nothing; one click does', async () => {
    await fixture.send(agent, PERSON);
    const link = await linkIn('u');
    for (const method of ['GET', 'HEAD', 'GET']) expect((await open(method, link)).status).toBe(200);
    const page = await open('GET', link);
    expect(page.text).toContain(`The agent asker will send no further email to ${PERSON}.`);
    expect(page.text).toContain('<form method="post">');
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    expect(await isStopped()).toBe(false);

    // As RFC 8058 section 3.2 has it, without a cookie, a key or an Origin.
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await open('POST', link, form, 'List-Unsubscribe=One-Click');
    expect([answer.status, answer.text.includes('<h1>Stopped</h1>')]).toEqual([200, true]);
    expect(await isStopped()).toBe(true);
    expect((await fixture.send(agent, PERSON)).code).toBe('suppressed');
    expect((await open('POST', link, form, 'List-Unsubscribe=One-Click')).status).toBe(200);
  });

  test('takes multipart/form-data as well (RFC 8058 section 3.2)', async () => {
    await fixture.send(agent, 'second@example.com');
    const body = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n';
    const type = { 'content-type': 'multipart/form-data; boundary=x' };
    expect((await open('POST', await linkIn('u'), type, body)).status).toBe(200);
    expect(await fixture.relay.stores.suppressions.find('second@example.com', agent.id, clock.now())).toBeDefined();
  });

  test('that is changed, or a token for something else, is a page that says so', async () => {
    await fixture.send(agent, 'third@example.com');
    const link = await linkIn('u');
    const [item] = (await fixture.relay.stores.outbox.list(ALL)).items;
    const wrong = [`${link.slice(0, -1)}${link.endsWith('a') ? 'b' : 'a'}`, '/u/x', `/u/${item?.email.envid}`];
    for (const where of wrong) {
      for (const method of ['GET', 'POST']) {
        const answer = await open(method, where);
        expect([answer.status, answer.text.includes('<h1>Nothing here</h1>')]).toEqual([404, true]);
      }
    }
    expect(await fixture.relay.stores.suppressions.find('third@example.com', agent.id, clock.now())).toBeUndefined();
  });
});

describe('the link to a file', () => {
  const content = Buffer.alloc(100_000, '<script>alert(1)</script>');

  test('gives it to be saved, without rights and without a trace; after 14 days a page says so', async () => {
    const attachment = {
      filename: '../Größe "1".html',
      content_type: 'text/html',
      content: content.toString('base64'),
    };
    await fixture.send(agent, 'reader@example.com', { attachments: [attachment] });
    const link = await linkIn('f');
    const got = await open('GET', link);
    expect(got.status).toBe(200);
    expect(got.bytes.equals(content)).toBe(true);
    expect(got.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="__Gr__e _1_.html"; filename*=UTF-8''__Gr%C3%B6%C3%9Fe%20%221%22.html`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    expect((await open('GET', `${link.slice(0, -1)}${link.endsWith('A') ? 'B' : 'A'}`)).status).toBe(404);
    clock.advance(14 * DAY);
    const late = await open('GET', link);
    expect([late.status, late.text.includes('<h1>Its time is over</h1>')]).toEqual([410, true]);
    expect(late.text).not.toContain('alert');
  });

  test.each([
    ['report.pdf', `attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`],
    ['a\r\nSet-Cookie: x', `attachment; filename="a_Set-Cookie: x"; filename*=UTF-8''a_Set-Cookie%3A%20x`],
    ['gpj.\u202Eexe', `attachment; filename="gpj._exe"; filename*=UTF-8''gpj._exe`],
    ['C:\\x/../y', `attachment; filename="C:_x_.._y"; filename*=UTF-8''C%3A_x_.._y`],
    ['\ud800', `attachment; filename="_"; filename*=UTF-8''_`],
    [' ', `attachment; filename="file"; filename*=UTF-8''file`],
  ])('%j is saved under a safe name', (name, header) => {
    expect(savedAs(name)).toBe(header);
  });
});
