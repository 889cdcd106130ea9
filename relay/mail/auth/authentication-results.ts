/**
 * Reads one Authentication-Results field (RFC 8601 section 2.2): who says so, and what. Comments may nest, values may be
 * quoted. Linear; what does not follow the grammar is left out, never guessed.
 */

export interface MethodResult {
  /** `spf`, `dkim`, `dmarc`, `arc`, in lower case. */
  readonly method: string;
  readonly result: string;
  /** `smtp.mailfrom` to its value; names in lower case. */
  readonly properties: ReadonlyMap<string, string>;
  /** What stood in comments: for people, but for the policy that some write only there. */
  readonly comment: string;
}

export interface AuthenticationResults {
  /** Null where the first thing is a result already: some leave the authserv-id out. */
  readonly authservId: string | null;
  readonly results: readonly MethodResult[];
}

type Token = { readonly kind: 'word' | 'quoted' | 'comment' | 'mark'; readonly text: string; readonly glued: boolean };

const MOST_BYTES = 16 * 1024;
const MOST_RESULTS = 50;

export function readAuthenticationResults(value: string): AuthenticationResults | undefined {
  if (value.length > MOST_BYTES) return undefined;
  const tokens = tokenize(value);
  if (tokens === undefined) return undefined;
  const [head = [], ...rest] = splitParts(tokens);
  const named = !head.some(isMark('='));
  const [id, version] = head.filter(({ kind }) => kind !== 'comment');
  // RFC 8601 section 2.2: authres-version is digits; a version we do not know has a meaning we do not know.
  if (named && (id === undefined || (version !== undefined && version.text !== '1'))) return undefined;
  const parts = named ? rest : [head, ...rest];
  return {
    authservId: named ? (id?.text.toLowerCase() ?? null) : null,
    results: parts.slice(0, MOST_RESULTS).flatMap((part) => readMethod(part) ?? []),
  };
}

/** `method[/version] = result`, then properties; a reason is one more. */
function readMethod(part: readonly Token[]): MethodResult | undefined {
  const comment = part.flatMap(({ kind, text }) => (kind === 'comment' ? text : [])).join(' ');
  const [method, equals, result, ...more] = part.filter(({ kind }) => kind !== 'comment');
  if (method?.kind !== 'word' || equals === undefined || !isMark('=')(equals) || result?.kind !== 'word')
    return undefined;
  const [name, version] = method.text.toLowerCase().split('/');
  if (name === undefined || (version !== undefined && version !== '1')) return undefined;
  return { method: name, result: result.text.toLowerCase(), properties: readProperties(more), comment };
}

/** `ptype.property = pvalue`; the first of a name counts. */
function readProperties(tokens: readonly Token[]): Map<string, string> {
  const properties = new Map<string, string>();
  for (let at = 1; at < tokens.length - 1; at += 1) {
    const [name, mark] = [tokens[at - 1], tokens[at]];
    if (name?.kind !== 'word' || mark === undefined || !isMark('=')(mark)) continue;
    let value = '';
    // `"local part"@domain` is several tokens without space between them.
    for (let next = at + 1; next < tokens.length && (next === at + 1 || tokens[next]?.glued); next += 1) {
      value += tokens[next]?.text ?? '';
    }
    const key = name.text.toLowerCase();
    if (!properties.has(key)) properties.set(key, value);
  }
  return properties;
}

const isMark =
  (text: string) =>
  (token: Token): boolean =>
    token.kind === 'mark' && token.text === text;

function splitParts(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (isMark(';')(token)) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** Undefined where a comment or a quoted string has no end: what follows could be read in two ways. */
function tokenize(value: string): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  let glued = false;
  while (at < value.length) {
    const character = value.charAt(at);
    if (/\s/.test(character)) {
      at += 1;
      glued = false;
      continue;
    }
    const found =
      character === '('
        ? readComment(value, at)
        : character === '"'
          ? readQuoted(value, at)
          : character === ';' || character === '='
            ? { kind: 'mark' as const, text: character, end: at + 1 }
            : readWord(value, at, tokens.at(-1));
    if (found === undefined) return undefined;
    tokens.push({ kind: found.kind, text: found.text, glued });
    at = found.end;
    // What follows a comment without white space belongs to what stands before it: `example.com().evil.example`.
    if (found.kind !== 'comment') glued = found.kind !== 'mark';
  }
  return tokens;
}

interface Found {
  readonly kind: Token['kind'];
  readonly text: string;
  readonly end: number;
}

/** "=" ends a name; in a value, as of a bounce address, it is a character like any other. */
function readWord(value: string, start: number, before: Token | undefined): Found {
  const ends = before !== undefined && isMark('=')(before) ? /[\s;("]/ : /[\s;("=]/;
  let end = start + 1;
  while (end < value.length && !ends.test(value.charAt(end))) end += 1;
  return { kind: 'word', text: value.slice(start, end), end };
}

/** RFC 5322 section 3.2.4. */
function readQuoted(value: string, start: number): Found | undefined {
  let text = '';
  for (let at = start + 1; at < value.length; at += 1) {
    const character = value.charAt(at);
    if (character === '"') return { kind: 'quoted', text, end: at + 1 };
    if (character === '\\') at += 1;
    text += value.charAt(at);
  }
  return undefined;
}

/** RFC 5322 section 3.2.2: comments nest. */
function readComment(value: string, start: number): Found | undefined {
  let depth = 0;
  for (let at = start; at < value.length; at += 1) {
    const character = value.charAt(at);
    if (character === '\\') at += 1;
    else if (character === '(') depth += 1;
    else if (character === ')') {
      depth -= 1;
      if (depth === 0) return { kind: 'comment', text: value.slice(start + 1, at), end: at + 1 };
    }
  }
  return undefined;
}
