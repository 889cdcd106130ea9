/**
 * `npm run check` ends with this: files over 300 lines (tests 400) and functions over 50. The figures are looked at, not
 * aimed at, so it never fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = path.resolve(import.meta.dirname, '..');
const FOLDERS = ['relay', 'client', 'mcp-remote', 'cli', 'hooks', 'bench', 'docs', 'test'] as const;
const FILE_LINES = 300;
const TEST_FILE_LINES = 400;
const FUNCTION_LINES = 50;

/** One line for each file or function of `text` that is over its limit. */
export function tooLong(file: string, text: string): string[] {
  const lines = text.split('\n').length - 1;
  const limit = file.startsWith('test/') ? TEST_FILE_LINES : FILE_LINES;
  return [...(lines > limit ? [`${file}: ${lines} lines`] : []), ...longFunctions(file, text)];
}

/** Route tables and `describe` blocks are lists, not thoughts: in tests only named functions count. */
function longFunctions(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (isFunction(node, file)) {
      const [first, last] = [node.getStart(), node.getEnd()].map((at) => source.getLineAndCharacterOfPosition(at).line);
      const lines = (last ?? 0) - (first ?? 0) + 1;
      if (lines > FUNCTION_LINES) found.push(`${file}:${(first ?? 0) + 1}: ${nameOf(node)}, ${lines} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isFunction(node: ts.Node, file: string): boolean {
  if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) return true;
  return (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) && !file.startsWith('test/');
}

function nameOf(node: ts.Node): string {
  const named = ts.isVariableDeclaration(node.parent) || ts.isPropertyAssignment(node.parent) ? node.parent : node;
  return 'name' in named && named.name !== undefined
    ? ((named as ts.NamedDeclaration).name?.getText() ?? '')
    : 'a function'; // has a name
}

function allFiles(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|mjs)$/.test(file) && !/(^|\/)(cases|golden)\//.test(file))
      .map((file) => path.posix.join(folder, file.replaceAll(path.sep, '/'))),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = allFiles().flatMap((file) => tooLong(file, readFileSync(path.join(ROOT, file), 'utf8')));
  process.stdout.write(`size: ${found.length} over the limits\n${found.map((line) => `  ${line}\n`).join('')}`);
}
