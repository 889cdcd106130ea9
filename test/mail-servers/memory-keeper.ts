/** A LetterBoxKeeper in memory, as the real store behaves: `take` adds the mail if it is new and moves the cursor in one step. */
import type { Cursor, IncomingEmail, IntakeSource, KnownCursor, LetterBoxKeeper } from '../../relay/mail/contracts.ts';

export class MemoryKeeper implements LetterBoxKeeper {
  /** By folder. */
  readonly cursors = new Map<string, KnownCursor>();
  readonly taken: IncomingEmail[] = [];
  readonly quarantined: { source: IntakeSource; raw: Buffer | null; reason: string }[] = [];
  readonly asked: { addresses: readonly string[]; references: readonly string[] }[] = [];
  readonly failures = new Map<string, number>();
  /** Decides what is ours; everything by default. */
  ours: (addresses: readonly string[]) => boolean = () => true;
  /** May throw, in place of the store. */
  beforeTake: (email: IncomingEmail) => void = () => {};

  /** Of INBOX. */
  get cursor(): Cursor | undefined {
    const known = this.cursors.get('INBOX');
    return known && { uidValidity: known.uidValidity, lastUid: known.lastUid };
  }

  /** Of a cursor that a test sets, reading began at the mailbox's first mail. */
  set cursor(cursor: Cursor) {
    this.cursors.set('INBOX', { ...cursor, firstUid: 1 });
  }

  async find(_account: string, folder: string): Promise<KnownCursor | undefined> {
    return this.cursors.get(folder);
  }

  async move(_account: string, folder: string, { uidValidity, lastUid }: Cursor): Promise<void> {
    const before = this.cursors.get(folder);
    const known = before?.uidValidity === uidValidity ? before : undefined;
    const firstUid = known?.firstUid ?? lastUid + 1;
    this.cursors.set(folder, { uidValidity, lastUid: Math.max(lastUid, known?.lastUid ?? 0), firstUid });
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

  async countFailure(_account: string, folder: string, _uidValidity: string, uid: number): Promise<number> {
    const count = (this.failures.get(`${folder} ${uid}`) ?? 0) + 1;
    this.failures.set(`${folder} ${uid}`, count);
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
