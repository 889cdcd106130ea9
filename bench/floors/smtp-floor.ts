/** The floor of the SMTP lines: smtp-server that reads every mail and answers 250, with the relay's own settings. */
import process from 'node:process';
import { SMTPServer } from 'smtp-server';

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  hideSMTPUTF8: true,
  size: 25 * 1024 * 1024,
  maxClients: 200,
  logger: false,
  onData(stream, _session, callback) {
    stream.resume();
    stream.on('end', () => callback(null, '2.0.0 Taken'));
  },
});

server.listen(0, '127.0.0.1', () => {
  const address = server.server.address();
  console.log(typeof address === 'object' && address !== null ? address.port : '');
});

// Ends when the bench does.
process.stdin.resume().on('end', () => process.exit());
