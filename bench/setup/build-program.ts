/**
 * Compiles the relay into a folder of its own, as `npm run build` would but without looking at types, so that what is
 * measured is JavaScript and the working tree stays as it is.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { PACKAGE_ROOT } from '../../relay/package-info.ts';

const SOURCES = ['relay', 'client', 'mcp-remote'] as const;
const LINKED = ['node_modules', 'templates'] as const;

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

export function buildProgram(folder: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync(path.join(PACKAGE_ROOT, 'package.json'), path.join(folder, 'package.json'));
  for (const name of LINKED) symlinkSync(path.join(PACKAGE_ROOT, name), path.join(folder, name));
  for (const source of SOURCES) compileFolder(path.join(PACKAGE_ROOT, source), path.join(folder, source));
}

function compileFolder(from: string, to: string): void {
  for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const target = path.join(to, name.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(target), { recursive: true });
    const { outputText } = ts.transpileModule(readFileSync(path.join(from, name), 'utf8'), {
      compilerOptions: OPTIONS,
      fileName: name,
    });
    writeFileSync(target, outputText);
  }
}
