// Runs a command and lets it reach Unix sockets as TCP ports on loopback:
//   node bridge.mjs PORT=SOCKET... -- command args
// In a network namespace with loopback only (test/support/namespace.ts) these ports are all of the network that there is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const split = process.argv.indexOf('--');
const forwards = process.argv.slice(2, split).map((forward) => forward.split('='));
const [command, ...args] = process.argv.slice(split + 1);

for (const [port, socket] of forwards) {
  const server = createServer((near) => {
    const far = connect(socket);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  await once(server.listen(Number(port), '127.0.0.1'), 'listening');
}

const child = spawn(command, args, { stdio: 'inherit' });
// It ends when the command ends, not before.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('error', () => process.exit(127));
child.on('exit', (code, signal) => process.exit(signal === null ? code : 128));
