/** Message ids of which the transcript proves enough. Never waits: what is not written yet is found by the next call. */
import { ANSWERED, LINES } from './lines.mjs';
import { readTail } from './transcript.mjs';

const MARK = 'Turnpost message msg_';
const MARKED = /^Turnpost message (msg_[0-9a-z]{26})(?![0-9a-z])/gm;

/** The first line of an injection names the mark made for it; no sender knows it, and none writes before this line. */
const NAMES_MARK = / arrived by Turnpost\. Text between the marks ([0-9a-f]{16}) was written by /;

/** A header of 200 ids is 6 kB; servers take 16. */
const MOST_IDS = 200;

/**
 * How much is read of a transcript. The first end of a turn has little to find and must cost nothing; where the host says
 * that it went on, and where a prompt or a session end comes to look, all that a long turn's tools wrote may follow the id.
 */
const SHORT_TAIL = 1024 * 1024;
const LONG_TAIL = 8 * SHORT_TAIL;

/** Ids with at least `enough` proof, the latest last. No transcript, or one that cannot be read: none. */
export function seenIds(host, call, enough, env) {
  try {
    const most = call.stop_hook_active === false ? SHORT_TAIL : LONG_TAIL;
    const proofs = proofsIn(readTail(host, call.transcript_path, env, most), LINES[host]);
    const ids = [...proofs.keys()].filter((id) => proofs.get(id) >= enough);
    return ids.slice(-MOST_IDS);
  } catch {
    return [];
  }
}

/** Id to proof, in the order in which the ids appear. Searches the bytes, and parses only the lines that can matter. */
function proofsIn(tail, host) {
  const proofs = new Map();
  let answerAt; // sought only when there is an id
  let line = lineAt(tail, tail.indexOf(MARK));
  for (; line; line = lineAt(tail, tail.indexOf(MARK, line.end))) {
    const { proof, texts } = host.injected(line.json);
    for (const [, id] of texts.flatMap(markers)) {
      answerAt ??= lastAnswer(tail, host);
      proofs.set(id, Math.max(answerAt > line.end ? ANSWERED : proof, proofs.get(id) ?? 0));
    }
  }
  return proofs;
}

const markers = (text) => [...withoutSenders(text).matchAll(MARKED)];

/**
 * What a sender wrote stands between the mark alone on its line and the mark again: an id in there is none of ours.
 * Only the named mark opens: a subject can end in one, and a body that closed it would stand outside.
 */
function withoutSenders(text) {
  const [, mark] = NAMES_MARK.exec(text) ?? [];
  if (mark === undefined) return text;
  return text.replaceAll(new RegExp(`^(?:<<|&lt;&lt;)${mark}\\n.*?\\n${mark}(?:>>|&gt;&gt;)`, 'gms'), '');
}

/** Where the model's last answer begins; -1 for none. */
function lastAnswer(tail, { answer, answers }) {
  let at = tail.lastIndexOf(answer);
  while (at >= 0 && !answers(lineAt(tail, at).json)) at = at === 0 ? -1 : tail.lastIndexOf(answer, at - 1);
  return at;
}

/** The line around a byte. The first one can be cut, the last half written: their `json` is empty. */
function lineAt(tail, at) {
  if (at < 0) return undefined;
  const newline = tail.indexOf('\n', at);
  const end = newline < 0 ? tail.length : newline;
  return { end, json: parse(tail.toString('utf8', tail.lastIndexOf('\n', at) + 1, end)) };
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
