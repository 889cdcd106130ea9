/**
 * An encrypted email from somebody who may write: the agent is told that it cannot be read (a note), its author what to
 * do instead, once a day. Who may not write hears nothing.
 */
import type { Intake } from '../../store/stores.ts';
import type { BrokerDeps } from '../deps.ts';
import { autoAnswer } from './auto-answer.ts';
import type { ReadEmail } from './intake-mail.ts';

const text = (encryption: string): string =>
  `Your email is encrypted (${encryption}), and the agent that it is for has no key to read it.

Please send it again without encryption; a signature may stay. Do not put a secret into it that must not be read on its way: say where the agent finds it instead.`;

/** `fresh`: what became of it at each agent, just stored. Never throws: the mail is taken, whatever becomes of the answer. */
export async function answerEncrypted(deps: BrokerDeps, email: ReadEmail, fresh: readonly Intake[]): Promise<void> {
  const { encryption } = email.parsed;
  const letIn = fresh.some(({ mail }) => mail?.deliveries.some(({ state }) => state === 'available'));
  if (encryption === null || !letIn) return;
  try {
    await autoAnswer(deps, email, text(encryption));
  } catch (cause) {
    deps.log.warn({ cause }, 'could not tell the author of an encrypted email that it cannot be read');
  }
}
