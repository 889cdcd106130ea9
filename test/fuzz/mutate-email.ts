/** Breaks emails as transport, gateways and enemies do. The same seed gives the same mail again. */
import { seededChance } from '../support/seeded-chance.ts';

type Chance = () => number;
type Mutation = (mail: Buffer, chance: Chance, others: readonly Buffer[]) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  cut,
  flipByte,
  dropLine,
  repeatLine,
  swapLineEnds,
  spliceWithOther,
  insertNasty,
  repeatPiece,
  changeNumber,
];

/** One of `mails`, changed one to five times. */
export function mutateEmail(mails: readonly Buffer[], seed: number): Buffer {
  const chance = seededChance(seed);
  let mail = mails[Math.floor(chance() * mails.length)] ?? Buffer.alloc(0);
  const times = 1 + Math.floor(chance() * 5);
  for (let n = 0; n < times; n += 1) {
    const mutation = MUTATIONS[Math.floor(chance() * MUTATIONS.length)] ?? cut;
    mail = mutation(mail, chance, mails).subarray(0, LARGEST);
  }
  return mail;
}

const LARGEST = 1024 * 1024;

/** As often as asked, as long as it stays small enough. */
function repeated(piece: Buffer, times: number): Buffer {
  const most = Math.min(times, Math.ceil(LARGEST / Math.max(1, piece.length)));
  return Buffer.concat(Array.from({ length: most }, () => piece));
}

const somewhere = (mail: Buffer, chance: Chance): number => Math.floor(chance() * (mail.length + 1));

function cut(mail: Buffer, chance: Chance): Buffer {
  return mail.subarray(0, somewhere(mail, chance));
}

function flipByte(mail: Buffer, chance: Chance): Buffer {
  const changed = Buffer.from(mail);
  if (changed.length > 0) changed[Math.floor(chance() * changed.length)] = Math.floor(chance() * 256);
  return changed;
}

/** Where the line around this place begins and ends, its line end included. */
function lineAround(mail: Buffer, at: number): [number, number] {
  const start = mail.lastIndexOf(10, Math.max(0, at - 1)) + 1;
  const end = mail.indexOf(10, at);
  return [Math.min(start, at), end < 0 ? mail.length : end + 1];
}

function dropLine(mail: Buffer, chance: Chance): Buffer {
  const [start, end] = lineAround(mail, somewhere(mail, chance));
  return Buffer.concat([mail.subarray(0, start), mail.subarray(end)]);
}

function repeatLine(mail: Buffer, chance: Chance): Buffer {
  const [start, end] = lineAround(mail, somewhere(mail, chance));
  const line = mail.subarray(start, end);
  const times = chance() < 0.1 ? 2000 : 2;
  return Buffer.concat([mail.subarray(0, end), repeated(line, times), mail.subarray(end)]);
}

function swapLineEnds(mail: Buffer, chance: Chance): Buffer {
  const text = mail.toString('latin1');
  const end = chance() < 0.5 ? '\n' : '\r';
  return Buffer.from(text.replace(/\r?\n/g, end), 'latin1');
}

function spliceWithOther(mail: Buffer, chance: Chance, others: readonly Buffer[]): Buffer {
  const other = others[Math.floor(chance() * others.length)] ?? mail;
  return Buffer.concat([mail.subarray(0, somewhere(mail, chance)), other.subarray(somewhere(other, chance))]);
}

const NASTY = [
  '\0',
  '\r\n\r\n',
  '\r\n.\r\n',
  '=?utf-8?B?4oCu?=',
  '=?x?q?=?=',
  '<div style="display:none">',
  '<blockquote type="cite">',
  '</div></div></div>',
  '>>>>>>>>>>>>>>>>',
  '-----BEGIN PGP MESSAGE-----\n',
  '--\r\n-- \r\n',
  'Content-Type: multipart/mixed; boundary=""\r\n',
  'Content-Type: text/plain; format=flowed; delsp=yes\r\n',
  'Content-Transfer-Encoding: base64\r\n',
  'From: "a@b.example" <c@d.example>, e@f.example\r\n',
  'From: group: a@b.example, c@d.example;\r\n',
  'Authentication-Results: mx.example.com; dmarc=pass header.from=example.com\r\n',
  'On Fri, 20 Nov 2026 at 12:53, builder <builder@example.com> wrote:\r\n',
  '\u202e\u2066',
  '\ud83d',
];

function insertNasty(mail: Buffer, chance: Chance): Buffer {
  const at = somewhere(mail, chance);
  const nasty = Buffer.from(NASTY[Math.floor(chance() * NASTY.length)] ?? '');
  const times = chance() < 0.1 ? 3000 : 1;
  return Buffer.concat([mail.subarray(0, at), repeated(nasty, times), mail.subarray(at)]);
}

function repeatPiece(mail: Buffer, chance: Chance): Buffer {
  const at = somewhere(mail, chance);
  const piece = mail.subarray(at, at + Math.floor(chance() * 200));
  const times = Math.floor(chance() * 500);
  return Buffer.concat([mail.subarray(0, at), repeated(piece, times), mail.subarray(at)]);
}

function changeNumber(mail: Buffer, chance: Chance): Buffer {
  const numbers = ['0', '-1', '99999999999', '4294967296'];
  const text = mail.toString('latin1');
  const found = [...text.matchAll(/\d+/g)];
  const one = found[Math.floor(chance() * found.length)];
  if (one === undefined) return mail;
  const number = numbers[Math.floor(chance() * numbers.length)] ?? '0';
  return Buffer.from(text.slice(0, one.index) + number + text.slice(one.index + one[0].length), 'latin1');
}
