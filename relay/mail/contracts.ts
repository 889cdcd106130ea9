/**
 * What the mail layer gives to the rules above it, and what it wants from them. Shapes only.
 * The order in which the rules use them is docs/flow.md, "An email comes in" and "An email goes out".
 */
import type {
  AttachmentContent,
  AttachmentInfo,
  AuthVerdict,
  MessageType,
  Outcome,
  OutgoingEmail,
  Priority,
  ReplyPurpose,
} from '../types.ts';
import type { SignedFields } from './auth/signed-fields.ts';
import type { LinkedFile } from './compose/email-frame.ts';

export interface Mailbox {
  /** `local@domain`, domain in lower case. */
  readonly address: string;
  readonly name: string | null;
}

/** An email, taken apart and decoded; nothing in it is trusted yet. */
export interface ParsedEmail {
  /** All authors of all From fields: exactly one is needed for any authority (RFC 5322 section 3.6). */
  readonly from: readonly Mailbox[];
  readonly to: readonly Mailbox[];
  readonly cc: readonly Mailbox[];
  /** Where local trace headers say it was delivered, best first: Delivered-To (topmost), X-Original-To, Envelope-To. */
  readonly deliveredTo: readonly string[];
  readonly subject: string | null;
  /** With angle brackets; null where it has none. */
  readonly messageId: string | null;
  readonly inReplyTo: readonly string[];
  /** Oldest first. */
  readonly references: readonly string[];
  /** Unix milliseconds of the Date field; null where missing or senseless. */
  readonly sentAt: number | null;
  /** Decoded and unflowed text/plain, or the text of the HTML where there is no plain part. "\n" line ends. */
  readonly text: string;
  /** Decoded HTML of the body, where it has any. */
  readonly html: string | null;
  readonly attachments: readonly AttachmentContent[];
  /** What it is encrypted with, so that nothing in it can be read; null where it is not. */
  readonly encryption: 'OpenPGP' | 'S/MIME' | null;
  /** Lower-case field name to its values, topmost first, unfolded and decoded. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Header fields `X-Agent-*` of an agent's mail, unverified. */
  readonly agentHeaders: AgentHeaders;
  /** SHA-256, hex, of the decoded body: part of the second dedupe key. */
  readonly bodyHash: string;
  /** What had to be left out, in words ("a part nested deeper than 10 was left out"). */
  readonly problems: readonly string[];
}

export interface AgentHeaders {
  readonly id: string | null;
  readonly task: string | null;
  readonly type: MessageType | null;
  readonly priority: Priority | null;
  readonly requiresResponse: boolean;
  readonly hops: number;
  readonly signature: string | null;
}

/** Whose words an email carries. Only `person` is ever injected as a person's words. */
export type EmailClass =
  | { readonly kind: 'person' }
  | { readonly kind: 'auto_reply'; readonly reason: string } // RFC 3834 and its relatives
  | { readonly kind: 'bounce'; readonly reason: string; readonly report: DeliveryReport } // RFC 3464
  | { readonly kind: 'list'; readonly reason: string } // bulk and list mail
  | { readonly kind: 'complaint'; readonly reason: string; readonly report: ComplaintReport } // RFC 5965
  | { readonly kind: 'challenge'; readonly reason: string } // "prove that you are human"
  | { readonly kind: 'calendar'; readonly reason: string; readonly answer: CalendarAnswer } // RFC 5546
  | { readonly kind: 'receipt'; readonly reason: string } // RFC 8098 read receipts, TLS and DMARC reports
  | { readonly kind: 'own'; readonly reason: string }; // our own mail coming back

/** RFC 3464: what happened to what we sent. */
export interface DeliveryReport {
  /** Original-Envelope-Id: our delivery, if it is ours. */
  readonly envid: string | null;
  /** Message-ID of the mail that came back, where the report carries it. */
  readonly originalMessageId: string | null;
  readonly recipients: readonly ReportedRecipient[];
  /** What a report that names no recipient says as a whole; null where it names them, or says nothing of the kind. */
  readonly whole: Pick<ReportedRecipient, 'action' | 'status' | 'diagnostic'> | null;
}

export interface ReportedRecipient {
  /** Original-Recipient where it is given, else Final-Recipient. */
  readonly address: string;
  /** What the address became on its way; null where that is the same. */
  readonly finalAddress: string | null;
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';
  /** RFC 3463, e.g. `5.1.1`. */
  readonly status: string | null;
  readonly diagnostic: string | null;
}

/** RFC 5965: somebody called our mail spam. */
export interface ComplaintReport {
  /** `abuse`, `fraud`, `not-spam`...; `abuse` where it does not say. */
  readonly feedbackType: string;
  readonly envid: string | null;
  /** Message-ID of the mail that was complained about, where the report carries it. */
  readonly originalMessageId: string | null;
  /** Envelope senders it says that mail had: one with a bounce token of ours is ours. */
  readonly originalSenders: readonly string[];
}

/** What a calendar program tells of an invitation: facts only, none of its text (RFC 5546 section 3.2). */
export interface CalendarAnswer {
  readonly method: 'reply' | 'counter' | 'refresh' | 'declinecounter' | 'cancel';
  readonly attendee: string | null;
  /** PARTSTAT (RFC 5545 section 3.2.12) in lower case: `accepted`, `declined`, `tentative`... */
  readonly status: string | null;
  readonly uid: string | null;
  /** DTSTART as it stands, `20260302T090000Z`. */
  readonly start: string | null;
}

/** The new words of an answer, and what was cut away from around them. */
export interface NewWords {
  readonly body: string;
  readonly quoted: string | null;
  readonly signature: string | null;
  /** What a reader must know of the cut, one sentence each: unsure, text and HTML say different things. */
  readonly notes: readonly string[];
}

/** What the new words of an answer are found from. */
export interface Answer extends Pick<ParsedEmail, 'text' | 'html'> {
  readonly from?: ParsedEmail['from'];
  /** What we wrote in the mail that it answers: no line of that is the person's. */
  readonly ours?: string;
}

/** Finds the new words. Promises to settle within its time on any input, with everything as the body where it cannot tell. */
export interface Extractor {
  extract(email: Answer): Promise<NewWords>;
  close(): Promise<void>;
}

/** What compose needs to know; everything else about an email is its own business. */
export interface EmailDraft {
  readonly from: Mailbox;
  /** Reply-To, with its token. */
  readonly replyTo: Mailbox;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly subject: string;
  readonly body: string;
  /** With angle brackets, made at enqueue. */
  readonly messageId: string;
  readonly inReplyTo: string | null;
  readonly references: readonly string[];
  /** What the thread is about, without "Re:". */
  readonly topic: string;
  readonly sentAt: number;
  /** `auto-replied` where it answers a mail, else `auto-generated` (RFC 3834 section 5). */
  readonly isAnswer: boolean;
  readonly agent: {
    /** The agent's address, also where From is a mailbox with +name. */
    readonly address: string;
    readonly threadId: string;
    readonly type: MessageType;
    readonly priority: Priority;
    readonly requiresResponse: boolean;
    readonly hop: number;
    /** The signed JWT; travels as X-Agent-Signature and, with the body's bytes, as part agent-message.jws.json. */
    readonly jws: string;
  };
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly attachments: readonly AttachmentContent[];
  /** Files that are too large for an email, and when their links end; null where all go with it. */
  readonly linked: { readonly files: readonly LinkedFile[]; readonly until: number } | null;
  /** For mail to somebody who did not ask for it: a page (https) and an address (RFC 2369, RFC 8058). */
  readonly unsubscribe: { readonly url: string; readonly address: string } | null;
}

/** Hands one email to the next server. Never throws for what the network or the server does: that is an Outcome. */
export interface Courier {
  deliver(email: OutgoingEmail): Promise<Outcome>;
  close(): void;
}

/** What is known of an email's sender before anybody asks what that sender may do (RFC 9989). */
export interface SenderProof {
  readonly auth: AuthVerdict;
  /** It has one author whom every reader reads alike; without one nobody's address stands for it, whatever else it carries. */
  readonly oneAuthor: boolean;
  /** DMARC passes for the domain of its one author: the address in From may be believed as far as its domain goes. */
  readonly authorProven: boolean;
  /**
   * Proven by a signature alone, which travels with the mail: whoever has the mail can hand it in again, anywhere.
   * What of it names its reader may have been put there on the way, as signed-fields.ts says. Null: the author's own
   * server handed it in.
   */
  readonly signedOnly: SignedFields | null;
  /** A DNS lookup failed for now (temperror): worth another try, never a pass. */
  readonly temporary: boolean;
  /** DMARC fails and the domain's owner asks to refuse or set apart such mail: no token makes up for that. */
  readonly forged: boolean;
  /** Why the author is not proven, a sentence for the person who decides; null where it is. */
  readonly reason: string | null;
}

/** Looks at SPF, DKIM, DMARC and ARC. Never throws for what the mail or the DNS does. */
export interface Authenticator {
  authenticate(email: IncomingEmail, parsed: ParsedEmail): Promise<SenderProof>;
}

/** Where an email was found; names the cursor that moves in the same transaction as the mail. */
export type IntakeSource =
  | {
      readonly kind: 'smtp';
      readonly envelopeFrom: string;
      readonly envelopeTo: readonly string[];
      readonly remote: string;
      readonly hello: string;
    }
  | {
      readonly kind: 'imap';
      readonly account: string;
      readonly folder: string;
      readonly uidValidity: string;
      readonly uid: number;
      /** It lay in the Junk folder: the provider took it for spam. */
      readonly junk?: boolean;
    }
  | {
      /** Handed in by a signed HTTP request: Amazon SES, a worker at the edge. */
      readonly kind: 'http';
      readonly service: string;
      readonly envelopeFrom: string;
      readonly envelopeTo: readonly string[];
      /** What the service found out itself; null where it says nothing. */
      readonly auth: AuthVerdict | null;
    };

export interface IncomingEmail {
  readonly source: IntakeSource;
  readonly raw: Buffer;
  readonly receivedAt: number;
}

/** The position in an IMAP mailbox. `uidValidity` is a bigint in IMAP, so text here. */
export interface Cursor {
  readonly uidValidity: string;
  /** Everything up to and with this UID is done. */
  readonly lastUid: number;
}

/** A cursor that is stored. */
export interface KnownCursor extends Cursor {
  /** Where reading began in this UIDVALIDITY: what lies below was there before us and is left alone. */
  readonly firstUid: number;
}

/** What the letter box (IMAP) wants from above. All of it is durable when the promise resolves. */
export interface LetterBoxKeeper {
  find(account: string, folder: string): Promise<KnownCursor | undefined>;
  /**
   * Moves the cursor, never back: first sight of a mailbox or a new UIDVALIDITY (reading begins after `lastUid`), or
   * mail that is none of ours passed over. `take` and `quarantine` move it in the same way.
   */
  move(account: string, folder: string, cursor: Cursor): Promise<void>;
  /** Is one of these addresses (topmost trace headers, To, Cc) an agent of ours or does it carry a token of ours; or one of these Message-IDs ours? */
  isOurs(candidate: {
    readonly addresses: readonly string[];
    readonly references: readonly string[];
  }): Promise<boolean>;
  /** Takes the mail in and moves the cursor, in one transaction. Throws where the store cannot take it now: come again. */
  take(email: IncomingEmail): Promise<void>;
  /** Counts a failed try at this UID and returns how many there were; from 3 on `quarantine` is due. */
  countFailure(account: string, folder: string, uidValidity: string, uid: number): Promise<number>;
  /**
   * A mail that cannot be taken in: it becomes a hold with the reason, the cursor moves on. `raw` null: not even
   * fetched; then `head`, its header section, tells whose it is.
   */
  quarantine(source: IntakeSource, raw: Buffer | null, reason: string, head: Buffer): Promise<void>;
}

/** A token and what it is bound to; see reply-token.ts. */
export interface TokenBinding {
  readonly purpose: ReplyPurpose;
  readonly id: string;
  readonly agentId: string;
  readonly threadId: string;
  readonly address: string;
}

export type { AttachmentInfo };
