/**
 * One POST to the relay's hook route; `done` gets the answer's text at its end, '' for anything but a 200. Whether it is
 * whole shows when it is read as JSON.
 *
 * The relay's own socket is spoken to by hand, in HTTP/1.0: making a node:http request costs 7 ms of the 22 that Node
 * takes to start, and the other end is ours. Anything further away gets the real client.
 */
import { connect } from 'node:net';

const LONGEST_ANSWER = 1024 * 1024;

export async function post({ key, socketPath, url }, path, body, seen, done) {
  const headers = {
    Authorization: `Bearer ${key}`,
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'X-Turnpost-Seen': seen.join(','),
  };
  if (socketPath) overSocket(socketPath, path, headers, body, done);
  else await overUrl(new URL(url), path, headers, body, done);
}

/** RFC 1945: no chunks, and the end of the connection is the end of the answer. */
function overSocket(socketPath, path, headers, body, done) {
  const lines = Object.entries({ Host: 'localhost', Connection: 'close', ...headers });
  const head = [`POST ${path} HTTP/1.0`, ...lines.map(([name, value]) => `${name}: ${value}`), '', ''];
  if (head.some((line) => /[\r\n]/.test(line))) return done('');
  const socket = connect(socketPath);
  socket.write(head.join('\r\n'), 'latin1');
  socket.write(body);
  collect(socket, (bytes) => {
    const start = bytes.indexOf('\r\n\r\n') + 4;
    const good = /^HTTP\/1\.[01] 200 /.test(bytes.toString('latin1', 0, start));
    done(good ? bytes.toString('utf8', start) : '');
  });
}

async function overUrl(target, path, headers, body, done) {
  const { request } = target.protocol === 'https:' ? await import('node:https') : await import('node:http');
  target.pathname = target.pathname.replace(/\/$/, '') + path;
  const call = request(target, { method: 'POST', agent: false, headers });
  call.on('response', (response) => {
    const good = response.statusCode === 200;
    collect(response, (bytes) => done(good ? bytes.toString('utf8') : ''));
  });
  call.end(body);
}

/** All bytes of a stream, once it is closed, whole or not; too many: none. */
function collect(stream, done) {
  const chunks = [];
  let size = 0;
  stream.on('data', (chunk) => {
    size += chunk.length;
    if (size <= LONGEST_ANSWER) chunks.push(chunk);
  });
  stream.on('close', () => done(size <= LONGEST_ANSWER ? Buffer.concat(chunks) : Buffer.alloc(0)));
}
