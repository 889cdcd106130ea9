/** Where this package lies, and its version: the same from the sources and from the build in dist/. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

function findRoot(from: string): string {
  if (existsSync(path.join(from, 'package.json'))) return from;
  const parent = path.dirname(from);
  if (parent === from) throw new Error('package.json of Turnpost is missing: install the package again');
  return findRoot(parent);
}

export const PACKAGE_ROOT = findRoot(import.meta.dirname);

export const VERSION: string = JSON.parse(readFileSync(path.join(PACKAGE_ROOT, 'package.json'), 'utf8')).version;
