/**
 * An email comes in by SMTP, one at a time: how long until the 250, against smtp-server alone; and, from the 250 on,
 * how long until a lease asked for at that moment has it in hand.
 */
import { performance } from 'node:perf_hooks';
import { HttpConnection } from '../load/http-connection.ts';
import { figuresOf } from '../load/http-load.ts';
import { type Mail, SmtpConnection } from '../load/smtp-connection.ts';
import { type Bench, compare, type Figures, interleave, type Line, type Measurement } from '../measurement.ts';
import { startFloor } from '../setup/floor.ts';
import { ownerAnswers } from '../setup/owner-mail.ts';
import { type BenchAgent, registerAgents, startRelay } from '../setup/relay.ts';

export const mailToLease: Measurement = {
  name: 'mail-to-lease',
  title: 'an email accepted by our SMTP (250) until it is leased, against smtp-server that answers 250',
  run,
};

interface Parts {
  readonly smtp: SmtpConnection;
  readonly nextMail: () => Mail;
  readonly mails: number;
}

async function run(bench: Bench): Promise<Line[]> {
  const [relay, floor] = await Promise.all([startRelay(bench), startFloor(bench, 'smtp-floor')]);
  const [agent] = await registerAgents(relay, 'agent', 1);
  if (agent === undefined) throw new Error('no agent');
  const nextMail = await ownerAnswers(relay, agent);
  const mails = bench.quick ? 60 : 200;
  const theirs = { smtp: await SmtpConnection.open(floor.target.port), nextMail, mails };
  const ours = { smtp: await SmtpConnection.open(relay.smtpPort), nextMail, mails };
  const http = await HttpConnection.open(relay.http);
  await takenAndLeased(ours, http, agent); // warm-up
  const rounds = await interleave(bench.quick ? 3 : 9, {
    floor: () => taken(theirs),
    ours: () => takenAndLeased(ours, http, agent),
  });
  for (const connection of [ours.smtp, theirs.smtp, http]) connection.close();
  await Promise.all([relay.stop(), floor.stop()]);
  const leasedOnly = { ours: rounds.ours, floor: [] };
  return [
    compare(rounds, 'p50', { what: 'end of mail to 250, p50', unit: 'ms' }),
    compare(rounds, 'p95', { what: 'end of mail to 250, p95', unit: 'ms' }),
    compare(leasedOnly, 'leasedP50', { what: '250 to leased, p50', unit: 'ms' }),
    compare(leasedOnly, 'leasedP95', { what: '250 to leased, p95', unit: 'ms', goal: '<= 30 ms' }),
  ];
}

async function taken({ smtp, nextMail, mails }: Parts): Promise<Figures> {
  const times: number[] = [];
  for (let n = 0; n < mails; n += 1) {
    const sentAt = await smtp.send(nextMail());
    times.push(performance.now() - sentAt);
  }
  return figuresOf(times);
}

async function takenAndLeased(
  { smtp, nextMail, mails }: Parts,
  http: HttpConnection,
  agent: BenchAgent,
): Promise<Figures> {
  const untilTaken: number[] = [];
  const untilLeased: number[] = [];
  for (let n = 0; n < mails; n += 1) {
    const sentAt = await smtp.send(nextMail());
    const takenAt = performance.now();
    const leased = await http.request({ path: '/v1/agents/me/leases', key: agent.key, body: '{}' });
    untilTaken.push(takenAt - sentAt);
    untilLeased.push(performance.now() - takenAt);
    const { items } = JSON.parse(leased.body);
    if (items.length !== 1) throw new Error(`a mail that was answered with 250 is not leasable: ${leased.body}`);
    await http.request({ path: `/v1/agents/me/messages/${items[0].id}/ack`, key: agent.key });
  }
  const { p50, p95 } = figuresOf(untilLeased);
  return { ...figuresOf(untilTaken), leasedP50: p50 ?? 0, leasedP95: p95 ?? 0 };
}
