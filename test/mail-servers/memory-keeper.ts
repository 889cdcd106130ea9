/** A LetterBoxKeeper in memory, as the real store behaves: `take` adds the mail if it is new and moves the cursor in one step. */
import type { Cursor, IncomingEmail, IntakeSource, KnownCursor, LetterBoxKeeper } from '../../relay/mail/contracts.ts';

export class MemoryKeeper implements LetterBoxKeeper {
  cursor: Cursor | undefined;
  /** Of a cursor that a test sets, reading began at the mailbox's first mail. */
  firstUid = 1;
  readonly taken: IncomingEmail[] = [];
  readonly quarantined: { source: IntakeSource; raw: Buffer | null; reason: string }[] = [];
  readonly asked: { addresses: readonly string[]; references: readonly string[] }[] = [];
  readonly failures = new Map<number, number>();
  /** Decides what is ours; everything by default. */
  ours: (addresses: readonly string[]) => boolean = () => true;
  /** May throw, in place of the store. */
  beforeTake: (email: IncomingEmail) => void = () => {};

  async find(): Promise<KnownCursor | undefined> {
    return this.cursor && { ...this.cursor, firstUid: this.firstUid };
  }

  async move(_account: string, _folder: string, { uidValidity, lastUid }: Cursor): Promise<void> {
    const known = this.cursor?.uidValidity === uidValidity ? this.cursor : undefined;
    if (known === undefined) this.firstUid = lastUid + 1;
    this.cursor = { uidValidity, lastUid: Math.max(lastUid, known?.lastUid ?? 0) };
  }

  async isOurs(candidate: { addresses: readonly string[]; references: readonly string[] }): Promise<boolean> {
    this.asked.push(candidate);
    return this.ours(candidate.addresses);
  }

  async take(email: IncomingEmail): Promise<void> {
    this.beforeTake(email);
    if (!this.taken.some(({ raw }) => raw.equals(email.raw))) this.taken.push(email);
    await this.#pass(email.source);
  }

  async countFailure(_account: string, _folder: string, _uidValidity: string, uid: number): Promise<number> {
    const count = (this.failures.get(uid) ?? 0) + 1;
    this.failures.set(uid, count);
    return count;
  }

  async quarantine(source: IntakeSource, raw: Buffer | null, reason: string): Promise<void> {
    this.quarantined.push({ source, raw, reason });
    await this.#pass(source);
  }

  subjects(): string[] {
    return this.taken.map(({ raw }) => /^Subject: (.*)$/m.exec(raw.toString('latin1'))?.[1]?.trim() ?? '');
  }

  async #pass(source: IntakeSource): Promise<void> {
    if (source.kind !== 'imap') return;
    await this.move(source.account, source.folder, { uidValidity: source.uidValidity, lastUid: source.uid });
  }
}
