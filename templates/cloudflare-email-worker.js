/**
 * Cloudflare Email Worker for Turnpost: hands each email that Email Routing gives it to POST /v1/intake/email of a relay.
 *
 * Variables: TURNPOST_URL (https address of the relay) and the secret TURNPOST_INTAKE_SECRET (whsec_..., the same as the
 * relay's). What the relay refuses for good is refused to the sender; on anything else the worker fails, and the sender's
 * server tries again. No email is answered as accepted before the relay has it on disk.
 */

const PREFIX = 'whsec_';

/** Standard Webhooks, scheme v1: HMAC-SHA256 over `id.timestamp.body`, the body byte by byte. */
async function sign(secret, id, timestamp, body) {
  const bytes = Uint8Array.from(atob(secret.slice(PREFIX.length)), (char) => char.charCodeAt(0));
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, signed));
  return `v1,${btoa(String.fromCharCode(...mac))}`;
}

/** 4xx that will not get better by itself; 401 is a secret that somebody has to set right, 429 passes. */
const FOR_GOOD = [403, 404, 413, 422];

export default {
  async email(message, env) {
    const body = new Uint8Array(await new Response(message.raw).arrayBuffer());
    const id = `msg_${crypto.randomUUID()}`;
    const timestamp = Math.floor(Date.now() / 1000);
    const answer = await fetch(new URL('/v1/intake/email', env.TURNPOST_URL), {
      method: 'POST',
      headers: {
        'content-type': 'message/rfc822',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': await sign(env.TURNPOST_INTAKE_SECRET, id, timestamp, body),
        'x-envelope-from': message.from,
        'x-envelope-to': message.to,
      },
      body,
    });
    if (answer.ok) return;
    const { error } = await answer.json().catch(() => ({}));
    const reason = error?.message ?? `the relay answered ${answer.status}`;
    if (!FOR_GOOD.includes(answer.status)) throw new Error(reason);
    message.setReject(reason);
  },
};
