/**
 * The clients that go on while their relay is killed: they send and repeat a send until it is answered, they lease and
 * acknowledge, and a hook reports what its transcript shows. Every connection is new, as after a crash.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type HttpAnswer, type HttpRequest, type HttpTarget, request } from '../load/http-connection.ts';
import type { BenchAgent } from '../setup/relay.ts';
import type { Ledger, StoredMessage } from './ledger.ts';

/** As many as a command hook reports. */
const MOST_SEEN = 200;
const PAUSE_MS = 4;
/** What was handed to a client that then saw its acknowledgement fail comes again after this time. */
const LEASE = '2s';
const INJECTED = /^Turnpost message (msg_[0-9a-z]{26})/gm;

/** Undefined: the relay was gone before the whole answer was there. */
async function attempt(relay: HttpTarget, one: HttpRequest): Promise<HttpAnswer | undefined> {
  const answer = await request(relay, one).catch(() => undefined);
  if (answer === undefined) return undefined;
  if (answer.status >= 300) throw new Error(`${one.path} answered ${answer.status}: ${answer.body}`);
  return answer;
}

/** Sends until the signal aborts; the last one, too, is repeated until it is answered. */
export async function sendOn(
  relay: HttpTarget,
  sender: BenchAgent,
  names: readonly string[],
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  for (let n = 0; !stop.aborted; n += 1) {
    const body = `${sender.name} says ${n}`;
    const message = JSON.stringify({ to: names[n % names.length], body });
    const one = {
      path: '/v1/agents/me/messages',
      key: sender.key,
      body: message,
      headers: { 'Idempotency-Key': body.replaceAll(' ', '-') },
    };
    let answer = await attempt(relay, one);
    for (; answer === undefined; answer = await attempt(relay, one)) await delay(PAUSE_MS);
    ledger.accepted(body, JSON.parse(answer.body).id);
    await delay(PAUSE_MS);
  }
}

/** Leases and acknowledges until the signal aborts and nothing is left; an acknowledgement that fails is not repeated. */
export async function leaseOn(relay: HttpTarget, reader: BenchAgent, ledger: Ledger, stop: AbortSignal): Promise<void> {
  const lease = JSON.stringify({ session_id: 'bench', max: 20, lease: LEASE });
  for (let empty = false; !(stop.aborted && empty); ) {
    const answer = await attempt(relay, { path: '/v1/agents/me/leases', key: reader.key, body: lease });
    const items: { id: string }[] = answer === undefined ? [] : JSON.parse(answer.body).items;
    empty = answer !== undefined && items.length === 0;
    for (const { id } of items) ledger.leased(id);
    for (const { id } of items) {
      const acknowledged = await attempt(relay, { path: `/v1/agents/me/messages/${id}/ack`, key: reader.key });
      if (acknowledged !== undefined) ledger.acknowledged(id);
    }
    if (items.length === 0) await delay(PAUSE_MS);
  }
}

/** Ends turns until the signal aborts and nothing comes any more. */
export async function endTurnsOn(
  relay: HttpTarget,
  agent: BenchAgent,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  for (let n = 0, empty = false; !(stop.aborted && empty); n += 1) {
    const seen = [...ledger.transcript].slice(-MOST_SEEN).join(',');
    const answer = await attempt(relay, {
      path: '/v1/hooks/claude/Stop',
      key: agent.key,
      headers: { 'X-Turnpost-Seen': seen },
      body: JSON.stringify({
        hook_event_name: 'Stop',
        session_id: 'bench',
        prompt_id: `prompt-${n}`,
        stop_hook_active: false,
      }),
    });
    const text = answer?.body ? String(JSON.parse(answer.body).hookSpecificOutput.additionalContext) : '';
    for (const [, id = ''] of text.matchAll(INJECTED)) ledger.injected(id);
    empty = answer?.body === '';
    if (text === '') await delay(PAUSE_MS);
  }
}

/** All that lies at an agent, page by page. */
export async function listAll(relay: HttpTarget, agent: BenchAgent): Promise<StoredMessage[]> {
  const stored: StoredMessage[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const path: string = `/v1/agents/me/messages?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { status, body } = await request(relay, { method: 'GET', path, key: agent.key });
    if (status !== 200) throw new Error(`the list answered ${status}: ${body}`);
    const page: { items: StoredMessage[]; next_cursor: string | null } = JSON.parse(body);
    stored.push(...page.items.map(({ id, body: text, state }) => ({ id, body: text, state })));
    cursor = page.next_cursor;
  }
  return stored;
}
