/**
 * What the clients of a relay that is killed again and again were told, kept where no kill reaches it, and what is wrong
 * with it in the end. A message is known by the words its sender gave it, since a doubled one would have two ids.
 */

/** A message as its recipient's list shows it. */
export interface StoredMessage {
  readonly id: string;
  readonly body: string;
  readonly state: string;
}

export interface Verdict {
  /** Sends that were answered with 201. */
  readonly accepted: number;
  /** Of those: no longer there, or never handed to their recipient. */
  readonly lost: number;
  /** One send that became two messages. */
  readonly doubled: number;
  /** Handed out again although the relay had said that the acknowledgement counts. */
  readonly afterAck: number;
  /** Injected although the transcript that the hook reports shows the id. */
  readonly twiceInTranscript: number;
  /** Handed out again because the answer, or the acknowledgement, was cut off: by design, with the same id. */
  readonly again: number;
}

export class Ledger {
  readonly #accepted = new Map<string, string>();
  readonly #given = new Map<string, number>();
  readonly #acknowledged = new Set<string>();
  /** What the model has seen, the latest last. */
  readonly transcript = new Set<string>();
  #answers = 0;
  #afterAck = 0;
  #twiceInTranscript = 0;

  /** Sends, leased messages, acknowledgements and injections that the clients were told of. */
  get answers(): number {
    return this.#answers;
  }

  accepted(body: string, id: string): void {
    this.#answers += 1;
    this.#accepted.set(body, id);
  }

  leased(id: string): void {
    this.#answers += 1;
    if (this.#acknowledged.has(id)) this.#afterAck += 1;
    this.#given.set(id, (this.#given.get(id) ?? 0) + 1);
  }

  acknowledged(id: string): void {
    this.#answers += 1;
    this.#acknowledged.add(id);
  }

  injected(id: string): void {
    this.#answers += 1;
    if (this.transcript.has(id)) this.#twiceInTranscript += 1;
    this.transcript.add(id);
    this.#given.set(id, (this.#given.get(id) ?? 0) + 1);
  }

  judge(stored: readonly StoredMessage[]): Verdict {
    const ids = new Map<string, string[]>();
    for (const { body, id } of stored) ids.set(body, [...(ids.get(body) ?? []), id]);
    const accepted = [...this.#accepted];
    return {
      accepted: accepted.length,
      lost: accepted.filter(([body, id]) => !ids.get(body)?.includes(id) || !this.#given.has(id)).length,
      doubled: [...ids.values()].filter((same) => same.length > 1).length,
      afterAck: this.#afterAck,
      twiceInTranscript: this.#twiceInTranscript,
      again: [...this.#given.values()].filter((times) => times > 1).length,
    };
  }
}
