/** A self-signed certificate for STARTTLS on our own port, made at first start where none is given. */
import { generate } from 'selfsigned';

export interface TlsPair {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
}

const DAYS = 3650;

/**
 * P-256, as every mail server of this decade speaks it. `now` is the time of the caller's clock, Unix milliseconds;
 * without it the pair lives one year from the system's time.
 */
export async function makeTlsPair(hostname: string, now?: number): Promise<TlsPair> {
  const pair = await generate([{ name: 'commonName', value: hostname }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // An hour back: clocks differ.
    ...(now !== undefined && {
      notBeforeDate: new Date(now - 3_600_000),
      notAfterDate: new Date(now + DAYS * 86_400_000),
    }),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: hostname },
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { key: pair.private, cert: pair.cert };
}
