/** Pages that are printed from tables are what the tables say, and the tables say enough. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { printDocs } from '../docs/print-docs.ts';
import { tooLong } from '../docs/size-report.ts';
import { describeSettings } from '../relay/config.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const pages = await printDocs();

test.each([...pages.keys()])('%s is fresh; else run: npm run docs', (file) => {
  const onDisk = existsSync(path.join(ROOT, file)) ? readFileSync(path.join(ROOT, file), 'utf8') : '';
  expect(onDisk).toBe(pages.get(file));
});

test('the settings to copy from are all commented out, so that copying changes nothing', () => {
  const lines = (pages.get('templates/env.example') ?? '').split('\n').filter((line) => line !== '');
  expect(lines.filter((line) => !line.startsWith('#'))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('#TURNPOST_'))).toHaveLength(describeSettings().length);
});

test('no page names a machine’s own folder', () => {
  for (const [file, text] of pages) expect(text, file).not.toMatch(/\/(home|root|work|Users)\//);
});

test('the size report finds a file and a function that are too long, and nothing else', () => {
  const lines = (count: number) => '  x();\n'.repeat(count);
  expect(tooLong('relay/a.ts', lines(301))).toEqual(['relay/a.ts: 301 lines']);
  expect(tooLong('test/a.ts', lines(301))).toEqual([]);
  expect(tooLong('relay/a.ts', `function long() {\n${lines(49)}}\n`)).toEqual(['relay/a.ts:1: long, 51 lines']);
  expect(tooLong('relay/a.ts', `const long = () => {\n${lines(48)}};\n`)).toEqual([]);
});
