/** A LetterBoxKeeper in memory, as the real store behaves: `take` adds the mail and moves the cursor in one step. */
import type { Cursor, IncomingEmail, IntakeSource, LetterBoxKeeper } from '../../relay/mail/contracts.ts';

export class MemoryKeeper implements LetterBoxKeeper {
  cursor: Cursor | undefined;
  readonly taken: IncomingEmail[] = [];
  readonly quarantined: { source: IntakeSource; raw: Buffer | null; reason: string }[] = [];
  readonly asked: { addresses: readonly string[]; references: readonly string[] }[] = [];
  readonly failures = new Map<number, number>();
  /** Decides what is ours; everything by default. */
  ours: (addresses: readonly string[]) => boolean = () => true;
  /** May throw, in place of the store. */
  beforeTake: (email: IncomingEmail) => void = () => {};

  async find(): Promise<Cursor | undefined> {
    return this.cursor;
  }

  async move(_account: string, _folder: string, cursor: Cursor): Promise<void> {
    this.cursor = cursor;
  }

  async isOurs(candidate: { addresses: readonly string[]; references: readonly string[] }): Promise<boolean> {
    this.asked.push(candidate);
    return this.ours(candidate.addresses);
  }

  async take(email: IncomingEmail): Promise<void> {
    this.beforeTake(email);
    this.taken.push(email);
    this.#pass(email.source);
  }

  async countFailure(_account: string, _folder: string, _uidValidity: string, uid: number): Promise<number> {
    const count = (this.failures.get(uid) ?? 0) + 1;
    this.failures.set(uid, count);
    return count;
  }

  async quarantine(source: IntakeSource, raw: Buffer | null, reason: string): Promise<void> {
    this.quarantined.push({ source, raw, reason });
    this.#pass(source);
  }

  subjects(): string[] {
    return this.taken.map(({ raw }) => /^Subject: (.*)$/m.exec(raw.toString('latin1'))?.[1]?.trim() ?? '');
  }

  #pass(source: IntakeSource): void {
    if (source.kind === 'imap') this.cursor = { uidValidity: source.uidValidity, lastUid: source.uid };
  }
}
