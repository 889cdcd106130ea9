import { describe, expect, test } from 'vitest';
import { readServerUrl } from '../../relay/mail/server-url.ts';

describe('the URL of a mail server', () => {
  test.each([
    [
      'smtp://mail.example.com',
      'smtp',
      { host: 'mail.example.com', port: 587, secure: false, user: null, path: null, loopback: false },
    ],
    ['smtps://u:p@mail.example.com', 'smtp', { port: 465, secure: true, user: 'u', password: 'p' }],
    ['imap://127.0.0.1:10143', 'imap', { port: 10143, loopback: true }],
    [
      'imaps://you%40example.com:p%2Fw%25@mail.example.com/Agents%2FMail',
      'imap',
      { port: 993, user: 'you@example.com', password: 'p/w%', path: 'Agents/Mail' },
    ],
    ['imap://[::1]:143/', 'imap', { host: '::1', loopback: true, path: null }],
    ['imap://mail.turnpost.localhost', 'imap', { loopback: true }],
    ['imap://127.0.0.1.example.com', 'imap', { loopback: false }],
  ] as const)('%s', (url, scheme, parts) => {
    expect(readServerUrl(url, scheme)).toMatchObject(parts);
  });

  test.each(['', 'mail.example.com', 'http://mail.example.com', 'imap://', 'imap://u:%zz@example.com'])(
    '%j is refused',
    (url) => {
      expect(() => readServerUrl(url, 'imap')).toThrow(TypeError);
    },
  );
});

describe('a login by OAuth2', () => {
  test('is a user without a password, said or not', () => {
    for (const url of ['imaps://you%40example.com@h/INBOX', 'imaps://you%40example.com@h/INBOX?auth=oauth2'])
      expect(readServerUrl(url, 'imap')).toMatchObject({ user: 'you@example.com', password: null, path: 'INBOX' });
  });

  test.each([
    ['imaps://you:sesame@h/?auth=oauth2', /a user and no password/],
    ['imaps://h/?auth=oauth2', /a user and no password/],
    ['imaps://you@h/?auth=kerberos', /only be oauth2/],
  ])('%s says what is wrong without the password', (url, message) => {
    expect(() => readServerUrl(url, 'imap')).toThrow(message);
    expect(() => readServerUrl(url, 'imap')).toThrow(expect.not.stringContaining('sesame'));
  });
});
