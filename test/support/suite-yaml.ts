/**
 * Reads the YAML that the public SPF and ARC suites are written in, and no more of it: maps, sequences, block scalars,
 * quoted and plain scalars, flow sequences. Throws where it meets anything else.
 */

export type Yaml = string | readonly Yaml[] | { readonly [key: string]: Yaml };

interface Line {
  readonly indent: number;
  /** Without its indentation. */
  readonly text: string;
  readonly raw: string;
}

export function readSuiteYaml(source: string): Yaml[] {
  return source
    .split(/^---[ \t]*$/m)
    .map((document) => new Reader(document).read())
    .filter((document) => document !== '');
}

class Reader {
  readonly #lines: readonly Line[];
  #at = 0;

  constructor(document: string) {
    this.#lines = document.split('\n').map((raw) => {
      const text = raw.trimStart();
      return { indent: raw.length - text.length, text: text.trimEnd(), raw };
    });
  }

  read(): Yaml {
    const first = this.#peek();
    return first === undefined ? '' : this.#block(first.indent);
  }

  /** The next line that says anything. */
  #peek(): Line | undefined {
    for (let line = this.#lines[this.#at]; line !== undefined; line = this.#lines[this.#at]) {
      if (line.text !== '' && !line.text.startsWith('#')) return line;
      this.#at += 1;
    }
    return undefined;
  }

  #block(indent: number): Yaml {
    return this.#peek()?.text.startsWith('- ') ? this.#sequence(indent) : this.#map(indent);
  }

  #sequence(indent: number): Yaml[] {
    const items: Yaml[] = [];
    for (let line = this.#peek(); line?.indent === indent && line.text.startsWith('- '); line = this.#peek()) {
      this.#at += 1;
      const rest = line.text.slice(2).trim();
      const entry = splitEntry(rest);
      items.push(
        entry === undefined ? this.#scalar(rest, indent) : { [entry.key]: this.#value(entry.value, indent + 2) },
      );
    }
    return items;
  }

  #map(indent: number): { [key: string]: Yaml } {
    const map: { [key: string]: Yaml } = {};
    for (let line = this.#peek(); line?.indent === indent; line = this.#peek()) {
      const entry = splitEntry(line.text);
      if (entry === undefined) throw new Error(`not a map entry: ${line.raw}`);
      this.#at += 1;
      // The ARC suite has four names twice.
      map[entry.key in map ? `${entry.key} (2)` : entry.key] = this.#value(entry.value, indent);
    }
    return map;
  }

  #value(text: string, indent: number): Yaml {
    if (/^[|>]-?$/.test(text)) return this.#blockScalar(text, indent);
    if (text !== '') return this.#scalar(text, indent);
    const next = this.#peek();
    if (next === undefined || next.indent < indent) return '';
    if (next.indent === indent && !next.text.startsWith('- ')) return '';
    return this.#block(next.indent);
  }

  #blockScalar(style: string, indent: number): string {
    const lines: string[] = [];
    let own = 0;
    for (let line = this.#lines[this.#at]; line !== undefined; line = this.#lines[this.#at]) {
      if (line.text !== '' && line.indent <= indent) break;
      if (own === 0 && line.text !== '') own = line.indent;
      lines.push(line.raw.slice(own));
      this.#at += 1;
    }
    while (lines.at(-1)?.trim() === '') lines.pop();
    const text = style.startsWith('>') ? lines.join(' ') : lines.join('\n');
    return style.endsWith('-') || lines.length === 0 ? text : `${text}\n`;
  }

  /** A plain or quoted scalar may go on in deeper lines. */
  #scalar(start: string, indent: number): Yaml {
    let text = start;
    for (let line = this.#peek(); line !== undefined && line.indent > indent && !isWhole(text); line = this.#peek()) {
      text += ` ${line.text}`;
      this.#at += 1;
    }
    return readFlow(text);
  }
}

/** What is quoted or in brackets ends where its mark does. */
function isWhole(text: string): boolean {
  const close = { '"': '"', "'": "'", '[': ']' }[text.charAt(0)];
  return close !== undefined && text.length > 1 && text.endsWith(close);
}

function splitEntry(text: string): { key: string; value: string } | undefined {
  const match = /^("[^"]*"|'[^']*'|[^\s"'[{:][^:]*?|[^\s"'[{]\S*?):(?:\s+(.*))?$/.exec(text);
  return match === null ? undefined : { key: String(readFlow(match[1] ?? '')), value: (match[2] ?? '').trim() };
}

function readFlow(text: string): Yaml {
  const plain = text.startsWith('"') || text.startsWith("'") ? text : text.replace(/\s+#.*$/, '');
  if (plain.startsWith('[')) {
    return [...plain.slice(1, -1).matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,][^,]*/g)].map(([item]) =>
      readFlow(item.trim()),
    );
  }
  if (plain.startsWith("'")) return plain.slice(1, -1).replaceAll("''", "'");
  if (!plain.startsWith('"')) return plain;
  return plain.slice(1, -1).replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex?: string, one?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return one === '0' ? '\0' : one === 'n' ? '\n' : (one ?? '');
  });
}

export function asMap(yaml: Yaml | undefined): { readonly [key: string]: Yaml } {
  return typeof yaml === 'object' && !Array.isArray(yaml) ? (yaml as { readonly [key: string]: Yaml }) : {};
}

export const asList = (yaml: Yaml | undefined): readonly Yaml[] =>
  Array.isArray(yaml) ? (yaml as readonly Yaml[]) : yaml === undefined || yaml === '' ? [] : [yaml];

export const asText = (yaml: Yaml | undefined): string => (typeof yaml === 'string' ? yaml : '');
