/** Settings files as people write them, and worse: comments anywhere, trailing commas, tabs, CRLF, BOM, one line or many. */
import fc from 'fast-check';

interface Style {
  readonly unit: string;
  readonly eol: string;
  readonly oneLine: boolean;
  readonly trailingComma: boolean;
  readonly noise: readonly string[];
}

const KEYS = ['permissions', 'hooks', 'mcpServers', 'servers', 'env', 'model', 'a "quoted" //key', 'Ünïcode'];

const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant('// not a comment'));
const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'turn', 'x y'), tie('value'), { maxKeys: 3 }),
}));

const handler = fc.record({
  type: fc.constant('command'),
  command: fc.constantFrom('./mine.sh', 'node hooks/other.mjs'),
});
const group = fc.record({ matcher: fc.constantFrom('', '*'), hooks: fc.array(handler, { maxLength: 2 }) });
const hooks = fc.dictionary(fc.constantFrom('Stop', 'AfterAgent', 'PreToolUse'), fc.array(group, { maxLength: 2 }), {
  maxKeys: 2,
});
const servers = fc.dictionary(fc.constantFrom('other', 'files'), tree.object, { maxKeys: 2 });

const settings = fc
  .uniqueArray(fc.constantFrom(...KEYS), { maxLength: 5 })
  .chain((keys) => fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), valueFor(key)))))
  .map((entries) => Object.fromEntries(entries));

function valueFor(key: string): fc.Arbitrary<unknown> {
  if (key === 'hooks') return hooks;
  if (key === 'mcpServers' || key === 'servers') return servers;
  return key === 'env' ? fc.dictionary(fc.constantFrom('A', 'B'), fc.string(), { maxKeys: 2 }) : tree.value;
}

const style: fc.Arbitrary<Style> = fc.record({
  unit: fc.constantFrom('  ', '    ', '\t', ''),
  eol: fc.constantFrom('\n', '\r\n'),
  oneLine: fc.boolean(),
  trailingComma: fc.boolean(),
  noise: fc.array(fc.constantFrom('', '', '', ' /* note, } */', ' // note {"', ' /*a*/ // b', '   '), {
    minLength: 1,
    maxLength: 9,
  }),
});

/** Writes a value in a style, with the next piece of noise after each token. */
function write(value: unknown, look: Style, next: () => string, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const parts = Array.isArray(value)
    ? value.map((item: unknown) => write(item, look, next, depth + 1))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${write(item, look, next, depth + 1)}`);
  if (look.oneLine) return `${open}${parts.join(', ')}${look.trailingComma && parts.length > 0 ? ',' : ''}${close}`;
  const line = look.eol + look.unit.repeat(depth + 1);
  const inner = parts.map((part, index) => {
    const comma = index < parts.length - 1 || look.trailingComma ? ',' : '';
    const noise = next();
    // A line comment before the comma would swallow it.
    return index % 2 === 0 && !noise.includes('//')
      ? `${line}${part}${noise}${comma}`
      : `${line}${part}${comma}${noise}`;
  });
  const after = next();
  if (parts.length === 0 && after.trim() === '') return `${open}${after}${close}`;
  return `${open}${after}${inner.join('')}${look.eol}${look.unit.repeat(depth)}${close}`;
}

export const jsoncSettings: fc.Arbitrary<string> = fc
  .record({ settings, style, bom: fc.boolean(), ends: fc.boolean(), blank: fc.integer({ min: 0, max: 20 }) })
  .map(({ settings: value, style: look, bom, ends, blank }) => {
    let turn = 0;
    const next = (): string => look.noise[turn++ % look.noise.length] ?? '';
    const text = blank === 0 ? '' : write(value, look, next);
    return (bom ? '\uFEFF' : '') + text + (ends ? look.eol : '');
  });
