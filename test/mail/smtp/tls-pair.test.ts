import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { expect, test } from 'vitest';
import { makeTlsPair } from '../../../relay/mail/smtp/tls-pair.ts';

test('a pair names its host and this machine, is valid from an hour ago for ten years, and serves TLS', async () => {
  const now = Date.UTC(2026, 10, 19);
  const pair = await makeTlsPair('mail.example.com', now);
  const certificate = new X509Certificate(pair.cert);
  expect(certificate.subjectAltName).toBe('DNS:mail.example.com, DNS:localhost, IP Address:127.0.0.1');
  expect(Date.parse(certificate.validFrom)).toBe(now - 3_600_000);
  expect(Date.parse(certificate.validTo)).toBe(now + 3650 * 86_400_000);
  expect(certificate.ca).toBe(false);
  expect(() => tls.createSecureContext(pair)).not.toThrow();
});
