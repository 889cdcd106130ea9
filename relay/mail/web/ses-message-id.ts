/**
 * Amazon SES gives each mail a Message-ID of its own in place of ours, and tells it in its 250. What people answer to is
 * that one: it is kept as an alias. The domain behind it depends on the region; the id alone is unique.
 */

const ID = '[0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-[0-9]{6}';
const REPLY = new RegExp(`^250 (?:2\\.\\d\\.\\d )?Ok (${ID})$`, 'i');
const MESSAGE_ID = new RegExp(`^<(${ID})@(?:[a-z0-9-]{1,40}\\.)?amazonses\\.com>$`, 'i');

const aliasOf = (id: string): string => `<${id.toLowerCase()}@amazonses.com>`;

/** The alias by which answers name a mail that was taken with this SMTP reply; undefined for other servers. */
export function sesAlias(reply: string): string | undefined {
  const id = REPLY.exec(reply.trim())?.[1];
  return id && aliasOf(id);
}

/** References as they may be stored: each as it stands, one of SES by its alias too. */
export function withSesAliases(messageIds: readonly string[]): string[] {
  return messageIds.flatMap((one) => {
    const id = MESSAGE_ID.exec(one)?.[1];
    return id === undefined ? [one] : [one, aliasOf(id)];
  });
}
