/** The wire schemas of the relay's domain and its DNS records; see wire.ts. */
import { z } from 'zod';

export const DomainRecord = z.object({
  purpose: z.enum(['mx', 'spf', 'dkim', 'dmarc', 'mta_sts', 'tls_rpt']),
  name: z.string(),
  type: z.enum(['MX', 'TXT']),
  value: z.string(),
  /** As a line of a zone file. */
  zone: z.string(),
  /** Without it mail does not arrive, or is not believed. */
  needed: z.boolean(),
  why: z.string(),
});
export const Domain = z.object({
  domain: z.string(),
  /** Others can ask the DNS for it; else there is nothing to publish. */
  public: z.boolean(),
  records: z.array(DomainRecord),
  policy: z.object({ url: z.string(), text: z.string() }).nullable(),
});
export const DomainCheck = z.object({
  domain: z.string(),
  /** All that is needed is there. */
  ok: z.boolean(),
  results: z.array(
    z.object({
      purpose: DomainRecord.shape.purpose,
      name: z.string(),
      type: DomainRecord.shape.type,
      needed: z.boolean(),
      status: z.enum(['ok', 'missing', 'wrong', 'unknown']),
      found: z.array(z.string()),
      advice: z.string().nullable(),
    }),
  ),
});
/** `made`: publish the next keys, then ask again. `switched`: they sign from now on. */
export const DomainKeys = z.object({ done: z.enum(['made', 'switched']), domain: Domain });

export type WireDomain = z.infer<typeof Domain>;
export type WireDomainCheck = z.infer<typeof DomainCheck>;
