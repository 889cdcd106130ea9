/** What stands outside depends on these names, defaults and limits: a change here breaks somebody's installation. */
import { expect, test } from 'vitest';
import { describeSettings, loadConfig } from '../../relay/config.ts';
import { HOSTS } from '../../relay/types.ts';
import * as wire from '../../relay/wire.ts';

test('the settings and what they are where nobody sets them', () => {
  expect(describeSettings().map(({ name, default: shown }) => `${name} = ${shown}`)).toEqual([
    'TURNPOST_DATA_DIR = `$XDG_DATA_HOME/turnpost`, else `~/.local/share/turnpost`',
    'TURNPOST_DATABASE_URL = `turnpost.db` in the data folder',
    'TURNPOST_HTTP_HOST = `127.0.0.1`',
    'TURNPOST_HTTP_PORT = `8725`',
    'TURNPOST_SOCKET = `relay.sock` in the data folder',
    'TURNPOST_PUBLIC_URL = the http address',
    'TURNPOST_SMTP_HOST = `127.0.0.1`',
    'TURNPOST_SMTP_PORT = `2525`',
    'TURNPOST_SMTPS_PORT = `off`',
    'TURNPOST_SMTP_TLS_CERT = a self-signed pair made at first start',
    'TURNPOST_SMTP_TLS_KEY = as above',
    'TURNPOST_DOMAIN = `turnpost.localhost`',
    'TURNPOST_OWNER = none',
    'TURNPOST_ADMIN_KEY = made at first start, `admin.key` in the data folder, mode 0600',
    'TURNPOST_SMTP_URL = none: mail stays readable in the outbox',
    "TURNPOST_MAIL_HOST = TURNPOST_PUBLIC_URL's host, else the domain",
    'TURNPOST_SEND_LIMIT = none; 2 at once to a domain',
    'TURNPOST_MAX_EMAIL = `20MiB`',
    'TURNPOST_IMAP_URL = none',
    'TURNPOST_IMAP_ADDRESS = the user, if it is an address',
    'TURNPOST_OAUTH = `oauth.json` in the data folder, if it is there',
    'TURNPOST_READ_JUNK = `on`',
    'TURNPOST_POLL_INTERVAL = `60s`',
    "TURNPOST_TLS_CA = the system's",
    "TURNPOST_PEERS = none: mail of other relays' agents is held",
    'TURNPOST_INTAKE_SECRET = none: nobody may',
    'TURNPOST_SES_TOPIC = none',
    'TURNPOST_S3_URL = none',
    'TURNPOST_INBOUND_AUTH = `token` while the domain ends in .localhost, else `dmarc`',
    'TURNPOST_AUTHSERV_ID = preset for well-known providers',
    'TURNPOST_ARC_FORWARDERS = none',
    'TURNPOST_INBOX_QUOTA = `inboxes=20 messages=100 life=7d hourly=60`',
    'TURNPOST_INBOX_RETENTION = `1d`',
    'TURNPOST_ANONYMOUS_INBOXES = `off`',
    'TURNPOST_ANONYMOUS_INBOX_QUOTA = `inboxes=2 messages=20 life=1h hourly=5`',
    'TURNPOST_LEASE = `10m`',
    'TURNPOST_MAX_MESSAGE = `25MiB`',
    'TURNPOST_LOG_LEVEL = `info`',
  ]);
  expect(loadConfig({})).toMatchObject({
    httpPort: 8725,
    smtpPort: 2525,
    domain: 'turnpost.localhost',
    logLevel: 'info',
  });
});

test('the words of the wire', () => {
  expect(wire.DeliveryState.options).toEqual([
    'held',
    'available',
    'leased',
    'deferred',
    'delivered',
    'bounced',
    'expired',
    'cancelled',
  ]);
  expect(wire.MessageTypeToSend.options).toEqual(['message', 'task', 'query', 'response']);
  expect(wire.MessageType.options).toEqual(['message', 'task', 'query', 'response', 'bounce', 'auto_reply', 'notice']);
  expect(wire.Priority.options).toEqual(['low', 'normal', 'high', 'urgent']);
  expect(HOSTS).toEqual(['claude', 'gemini', 'codex']);
});

test('the fields of what is sent and of what is read', () => {
  expect(Object.keys(wire.SendBody.shape).toSorted()).toEqual(
    'attachments body cc data expires_at in_reply_to priority requires_response subject thread_id to type'.split(' '),
  );
  expect(Object.keys(wire.Message.shape).toSorted()).toEqual(
    'attachments attempt auth body cc created_at data delivered_at deliveries evidence expires_at from id in_reply_to notes priority quoted requires_response signature state subject thread_id to trust type verified_by'.split(
      ' ',
    ),
  );
  expect(Object.keys(wire.LeaseAnswer.shape)).toEqual(['lease_id', 'lease_expires_at', 'items', 'holding']);
});

test('the limits', () => {
  expect([wire.MAX_RECIPIENTS, wire.MAX_SUBJECT, wire.MAX_ATTACHMENTS]).toEqual([100, 200, 50]);
});
