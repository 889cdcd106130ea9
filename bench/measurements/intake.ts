/** Mail in by SMTP as fast as it is taken, over 1 and 8 connections, against smtp-server that answers 250. */
import { performance } from 'node:perf_hooks';
import { type Mail, SmtpConnection } from '../load/smtp-connection.ts';
import { type Bench, compare, type Figures, interleave, type Line, type Measurement } from '../measurement.ts';
import { startFloor } from '../setup/floor.ts';
import { ownerAnswers } from '../setup/owner-mail.ts';
import { registerAgents, startRelay } from '../setup/relay.ts';

export const intake: Measurement = {
  name: 'intake',
  title: 'mails of 4.9 kB taken in by SMTP, parsed and on disk, against smtp-server alone',
  run,
};

async function run(bench: Bench): Promise<Line[]> {
  const [relay, floor] = await Promise.all([startRelay(bench), startFloor(bench, 'smtp-floor')]);
  const [agent] = await registerAgents(relay, 'agent', 1);
  if (agent === undefined) throw new Error('no agent');
  const nextMail = await ownerAnswers(relay, agent);
  const seconds = bench.quick ? 0.8 : 3;
  const lines: Line[] = [];
  for (const connections of [1, 8]) {
    const side = (port: number) => () => pressed(port, connections, seconds, nextMail);
    const [ours, theirs] = [side(relay.smtpPort), side(floor.target.port)];
    const rounds = await interleave(bench.quick ? 2 : 7, { floor: theirs, ours });
    const what = connections === 1 ? 'mails, 1 connection' : `mails, ${connections} connections`;
    lines.push(compare(rounds, 'perSecond', { what, unit: '/s' }));
  }
  await Promise.all([relay.stop(), floor.stop()]);
  return lines;
}

async function pressed(port: number, count: number, seconds: number, nextMail: () => Mail): Promise<Figures> {
  const connections = await Promise.all(Array.from({ length: count }, () => SmtpConnection.open(port)));
  const start = performance.now();
  let taken = 0;
  const loop = async (connection: SmtpConnection): Promise<void> => {
    while (performance.now() < start + seconds * 1000) {
      await connection.send(nextMail());
      taken += 1;
    }
    connection.close();
  };
  await Promise.all(connections.map(loop));
  return { perSecond: (taken * 1000) / (performance.now() - start) };
}
