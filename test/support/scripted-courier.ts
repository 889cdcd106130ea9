/** A courier whose outcomes a test writes down beforehand. */
import type { Courier } from '../../relay/mail/contracts.ts';
import type { Outcome, OutgoingEmail } from '../../relay/types.ts';

export const DELIVERED = { kind: 'delivered', reply: '250 2.0.0 queued' } as const satisfies Outcome;
export const DEFERRED = { kind: 'deferred', reason: '421 4.3.2 come later', code: 421 } as const satisfies Outcome;
export const REFUSED = { kind: 'refused', reason: '550 5.1.1 no such user', code: 550 } as const satisfies Outcome;

type Script = Outcome | ((email: OutgoingEmail) => Outcome | Promise<Outcome>);

export class ScriptedCourier implements Courier {
  readonly carried: OutgoingEmail[] = [];
  closed = false;
  readonly #script: Script[];

  /** One entry an email, in order; afterwards everything is delivered. */
  constructor(...script: Script[]) {
    this.#script = script;
  }

  async deliver(email: OutgoingEmail): Promise<Outcome> {
    this.carried.push(email);
    const next = this.#script.shift() ?? DELIVERED;
    return typeof next === 'function' ? next(email) : next;
  }

  close(): void {
    this.closed = true;
  }
}
