/** Single changes to JSONC texts, by literal. The round trips over random files are in round-trip.test.ts. */
import { expect, test } from 'vitest';
import { JsoncDocument } from '../../cli/install/jsonc-document.ts';

const REMOVALS = [
  ['{ "a": 1, "t": 2 }', '{ "a": 1 }'],
  ['{ "t": 2, "a": 1 }', '{ "a": 1 }'],
  ['{"t":2}', '{}'],
  ['{\n  "a": 1, // one\n  "t": 2 // two\n}', '{\n  "a": 1 // one\n  // two\n}'],
  ['{\n  "a": 1,\n  "t": 2,\n}', '{\n  "a": 1,\n}'],
  ['{\n  "a": 1\n  , "t": 2\n}', '{\n  "a": 1\n  \n}'],
  ['{ "a": 1, // one\n  "t": 2 }', '{ "a": 1 // one\n  }'],
  ['{ // first\n  "t": 2 }', '{ // first\n  }'],
  ['{\r\n\t"t": { "x": [1] }, /* about t */\r\n\t"a": 1\r\n}', '{\r\n\t/* about t */\r\n\t"a": 1\r\n}'],
  ['{ "a": 1, "t": 2 /* two */ , "b": 3 }', '{ "a": 1, /* two */  "b": 3 }'],
] as const;

test.each(REMOVALS)('without "t", %j', (before, after) => {
  const document = new JsoncDocument(before, 'settings.json');
  document.remove(['t']);
  expect(document.text).toBe(after);
});

const INSERTIONS = [
  ['', '{\n  "t": [\n    1\n  ]\n}\n'],
  ['{}', '{\n  "t": [\n    1\n  ]\n}'],
  ['{"a":1}', '{"a":1,"t":[1]}'],
  ['{ "a": 1 }', '{ "a": 1, "t": [1] }'],
  ['{\n\t"a": 1, // one\n}', '{\n\t"a": 1, // one\n\t"t": [\n\t\t1\n\t],\n}'],
  ['{\r\n    "a": 1 // one\r\n}', '{\r\n    "a": 1, // one\r\n    "t": [\r\n        1\r\n    ]\r\n}'],
  ['\uFEFF{ /* nothing */ }', '\uFEFF{ /* nothing */ "t": [1] }'],
] as const;

test.each(INSERTIONS)('with "t", %j', (before, after) => {
  const document = new JsoncDocument(before, 'settings.json');
  document.set(['t'], [1]);
  expect(document.text).toBe(after);
});

test('a value that is already there changes nothing', () => {
  const text = '{ "t" : { "x":[ 1 ], "mine": 2 } }';
  const document = new JsoncDocument(text, 'settings.json');
  document.set(['t'], { x: [1] });
  expect(document.text).toBe(text);
});
