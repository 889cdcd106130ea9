/** Takes due emails from the outbox, hands them to the courier, records the outcome, tells the sender of a bounce. */
import { newId } from '../../ids.ts';
import type { Courier } from '../../mail/contracts.ts';
import { sesAlias } from '../../mail/web/ses-message-id.ts';
import type { SendLimit } from '../../send-limit.ts';
import type { NewMail, OutboxItem } from '../../store/stores.ts';
import type { Delivery, Outcome, Suppression } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';
import { bounceNotice } from './bounce-notice.ts';
import { composeWithLinks } from './outgoing.ts';
import { nextRetryAt } from './retry-policy.ts';
import { SendLimiter } from './send-limiter.ts';
import { bounceSuppression, deadByRefusal, describeSuppression } from './suppression.ts';

/** A worker that has not come back by then is presumed dead. The courier gives up well before. */
const CLAIM_MS = 15 * 60_000;
/** Emails on their way at the same time. */
export const WORKERS = 8;
/** As many as the limits are told of, of what went out before a start. */
const MOST_SEEDS = 200_000;
const AGAIN_MS = 1_000;
const SHORTEST_NAP_MS = 100;
/** Looks again at the latest, whatever the timers say. */
const LONGEST_NAP_MS = 60_000;

export interface Worked {
  readonly item: OutboxItem;
  readonly outcome: Outcome;
  /** Undefined where the claim was no longer good: cancelled or rescued meanwhile. */
  readonly delivery: Delivery | undefined;
}

export class Outbox {
  readonly #deps: BrokerDeps;
  readonly #courier: Courier;
  readonly #limiter: SendLimiter;
  #nap = new AbortController();
  /** Ends when the claim before it is counted: two workers must not both take what may go out once. */
  #claiming: Promise<unknown> = Promise.resolve();

  constructor(deps: BrokerDeps, courier: Courier, limits: readonly SendLimit[] = []) {
    this.#deps = deps;
    this.#courier = courier;
    this.#limiter = new SendLimiter(limits);
  }

  /** An email was put in: ends the naps. */
  wake(): void {
    this.#nap.abort();
    this.#nap = new AbortController();
  }

  /** Works until the signal aborts; what is in hand then is finished first. A slow server holds up one worker only. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#persist(signal, () => this.#begin());
    await Promise.all(Array.from({ length: WORKERS }, () => this.#work(signal)));
    this.#courier.close();
  }

  async #begin(): Promise<void> {
    const { stores, clock } = this.#deps;
    const now = clock.now();
    await stores.outbox.rescueAll(now);
    if (this.#limiter.longestMs > 0)
      this.#limiter.seed(await stores.outbox.sentSince(now - this.#limiter.longestMs, MOST_SEEDS));
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { signal: rung } = this.#nap;
      await this.#persist(signal, async () => {
        while (!signal.aborted && (await this.workOnce()) !== undefined);
        const nap = AbortSignal.any([signal, rung]);
        if (!nap.aborted) await this.#deps.clock.sleep(await this.#napMs(), nap);
      });
    }
  }

  /** Does it, and on any failure of the store again until it works: this duty must not end before the relay does. */
  async #persist(signal: AbortSignal, duty: () => Promise<void>): Promise<void> {
    for (let done = false; !done && !signal.aborted; ) {
      try {
        await duty();
        done = true;
      } catch (error) {
        // A claim that could not be settled runs out by itself, and the email is due again.
        this.#deps.log.error({ cause: error }, 'outbox: the store does not answer as it should');
        await this.#deps.clock.sleep(AGAIN_MS, signal);
      }
    }
  }

  async #napMs(): Promise<number> {
    const { stores, clock } = this.#deps;
    const { domains, all, freeAt } = this.#limiter.barred(clock.now());
    const due = all ? undefined : await stores.outbox.nextDueAt(domains);
    const ms = Math.min(due ?? Number.POSITIVE_INFINITY, freeAt ?? Number.POSITIVE_INFINITY) - clock.now();
    // What is due at once could not be claimed just now: do not spin.
    return Math.min(Math.max(ms, SHORTEST_NAP_MS), LONGEST_NAP_MS);
  }

  /** Works one due email, if there is one. */
  async workOnce(): Promise<Worked | undefined> {
    const item = await this.#claim();
    if (item === undefined) return undefined;
    const domain = domainOf(item);
    try {
      const said = (await this.#suppressed(item)) ?? (await this.#courier.deliver(item.email));
      this.#learn(domain, said);
      return await this.#settle(item, said);
    } finally {
      this.#limiter.finish(domain);
    }
  }

  async #claim(): Promise<OutboxItem | undefined> {
    const claim = this.#claiming.then(async () => {
      const { stores, clock } = this.#deps;
      const now = clock.now();
      const { domains, all } = this.#limiter.barred(now);
      const item = all ? undefined : await stores.outbox.claimNext(now, CLAIM_MS, newId('lse', now), domains);
      if (item !== undefined) this.#limiter.start(domainOf(item), now);
      return item;
    });
    // A store that refused one claim may take the next.
    this.#claiming = claim.catch(() => undefined);
    return claim;
  }

  #learn(domain: string, outcome: Outcome): void {
    if (outcome.kind === 'delivered') this.#limiter.went(domain);
    if (outcome.kind !== 'deferred' || outcome.slowDown === undefined) return;
    this.#limiter.pause(outcome.slowDown === 'all' ? 'all' : { domain }, this.#deps.clock.now());
  }

  async #settle(item: OutboxItem, said: Outcome): Promise<Worked> {
    const { stores, clock } = this.#deps;
    const raw = isTooLarge(said) ? await composeWithLinks(this.#deps, item) : undefined;
    const outcome: Outcome = raw === undefined ? said : { kind: 'deferred', reason: reasonOf(said), code: null };
    const now = clock.now();
    const retryAt = raw === undefined ? nextRetryAt(item.delivery.attempt, now, clock.chance()) : now;
    const notice = await this.#noticeOf(item, outcome, retryAt);
    const delivery = await stores.outbox.settleIfClaimed(item, outcome, {
      retryAt,
      now,
      notice,
      suppress: suppressionBy(item, outcome, now),
      raw,
      alias: outcome.kind === 'delivered' ? sesAlias(outcome.reply) : undefined,
    });
    this.#logOutcome(item, outcome, delivery);
    this.#deps.wake((notice?.deliveries ?? []).flatMap(({ agentId }) => agentId ?? []));
    return { item, outcome, delivery };
  }

  /** What was accepted before its address was suppressed is not sent any more. */
  async #suppressed({ delivery }: OutboxItem): Promise<Outcome | undefined> {
    const { stores, clock } = this.#deps;
    const message = await stores.messages.find(delivery.messageId);
    const found = await stores.suppressions.find(delivery.address, message?.senderAgentId ?? null, clock.now());
    return found && { kind: 'refused', reason: `not sent: ${describeSuppression(found)}`, code: null };
  }

  /** What tells the sender, where this outcome is the end of it. */
  async #noticeOf(item: OutboxItem, outcome: Outcome, retryAt: number | null): Promise<NewMail | undefined> {
    if (outcome.kind === 'delivered' || (outcome.kind === 'deferred' && retryAt !== null)) return undefined;
    const message = await this.#deps.stores.messages.find(item.delivery.messageId);
    return message && bounceNotice(this.#deps, message, item.delivery.address, outcome.reason);
  }

  #logOutcome(item: OutboxItem, outcome: Outcome, delivery: Delivery | undefined): void {
    const fields = {
      delivery_id: item.delivery.id,
      message_id: item.delivery.messageId,
      attempt: item.delivery.attempt,
    };
    const event = { delivered: 'emails_sent', deferred: 'emails_deferred', refused: 'emails_bounced' } as const;
    this.#deps.count(event[outcome.kind]);
    const detail = outcome.kind === 'delivered' ? outcome.reply : outcome.reason;
    this.#deps.log.info({ ...fields, outcome: outcome.kind, detail, state: delivery?.state }, 'email');
  }
}

const domainOf = ({ delivery }: OutboxItem): string => delivery.address.slice(delivery.address.lastIndexOf('@') + 1);

const reasonOf = (outcome: Outcome): string => (outcome.kind === 'delivered' ? outcome.reply : outcome.reason);

/**
 * The message is too large there (RFC 3463: 5.3.4, 5.2.3; RFC 1870 section 6.1: 552), which is not a mailbox that is full
 * (5.2.2).
 */
export function isTooLarge(outcome: Outcome): boolean {
  if (outcome.kind !== 'refused') return false;
  if (/\b5\.(?:3\.4|2\.3)\b/.test(outcome.reason)) return true;
  return outcome.code === 552 && !/\b5\.2\.2\b|quota|full|insufficient/i.test(outcome.reason);
}

/** A refusal that says that there is no such address. */
function suppressionBy({ delivery }: OutboxItem, outcome: Outcome, now: number): Suppression | undefined {
  const status = outcome.kind === 'refused' ? deadByRefusal(outcome.reason) : undefined;
  return status && outcome.kind === 'refused'
    ? bounceSuppression(delivery.address, status, outcome.reason, now)
    : undefined;
}
