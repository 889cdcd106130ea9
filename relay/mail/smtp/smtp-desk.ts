/** What the SMTP listener wants from the rules above it. Shapes only. */
import type { IncomingEmail } from '../contracts.ts';

/** What the desk says to a client; a refusal is an SMTP reply (RFC 5321 section 4.2), its text for the client's person. */
export type DeskReply =
  | { readonly accepted: true; readonly text?: string }
  | { readonly accepted: false; readonly code: number; readonly text: string };

/** What the SMTP listener wants from above. */
export interface SmtpDesk {
  /** Asked in the dialogue for each RCPT TO of a client that has not logged in. */
  checkRecipient(address: string): Promise<DeskReply>;
  /**
   * Accepted: it is on disk. Refused: nothing of it is kept. Throws RelayError `unavailable`: 451, the sender keeps it
   * and tries again.
   */
  take(email: IncomingEmail): Promise<DeskReply>;
  /** The agent whose live key `secret` is, if it bears all of `names`; undefined for everybody else. */
  logIn(names: readonly string[], secret: string): Promise<Submitter | undefined>;
}

/** A client that has logged in as an agent. Each answer looks anew whether its key still lives. */
export interface Submitter {
  checkSender(address: string): Promise<DeskReply>;
  checkRecipient(address: string): Promise<DeskReply>;
  /** As `take` of the desk, for what the agent itself sends. */
  submit(mail: { readonly raw: Buffer; readonly envelopeTo: readonly string[] }): Promise<DeskReply>;
}
