/**
 * The line that names a message in an injected text: `Turnpost message msg_...` at the start of a line. Hooks look for it
 * in transcripts (hooks/parts/evidence.mjs has its own copy, held equal by a test), so it must never change in shape.
 */

/** `msg_` and 26 characters. */
export const MESSAGE_ID = /msg_[0-9a-z]{26}/;

export const MARKER = new RegExp(`^Turnpost message (${MESSAGE_ID.source})(?![0-9a-z])`, 'm');

/** The marker line for a message; the renderer writes exactly this, at the start of a line. */
export function markerLine(messageId: string): string {
  return `Turnpost message ${messageId}`;
}
