/** Where the client looks for relay and key, and what it must not send where. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataFolder, findConnection } from '../../client/connection.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'turnpost-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const ADMIN = 'tp_admin_aaaaaaaaaaaaaaaaaaaaaaaa';
const here = () => ({ TURNPOST_DATA_DIR: folder });
const put = (name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};

test('on the machine of the relay the socket and the admin key of the data folder are found', () => {
  const socketPath = put('relay.sock', '');
  const keySource = put('admin.key', `${ADMIN}\n`);
  expect(findConnection({ env: here() })).toEqual({
    relay: { socketPath },
    key: ADMIN,
    keySource,
    searchedFolder: folder,
  });
});

test('nothing anywhere: the default address and no key', () => {
  expect(findConnection({ env: here() })).toEqual({
    relay: { url: 'http://127.0.0.1:8725' },
    key: undefined,
    keySource: undefined,
    searchedFolder: folder,
  });
  expect(findConnection({ env: here(), url: 'http://opt:1' }).searchedFolder).toBeUndefined();
});

test('options win over the environment, the environment over the settings file', () => {
  const settingsFile = put('turnpost.json', '{"url":"http://file:1","key":"tp_agent_file"}');
  const env = { ...here(), TURNPOST_URL: 'http://env:1', TURNPOST_KEY: 'tp_agent_env' };
  expect(findConnection({ env, settingsFile, url: 'http://opt:1', key: 'tp_agent_opt' })).toMatchObject({
    relay: { url: 'http://opt:1' },
    key: 'tp_agent_opt',
  });
  expect(findConnection({ env, settingsFile })).toMatchObject({ relay: { url: 'http://env:1' }, key: 'tp_agent_env' });
  expect(findConnection({ env: here(), settingsFile })).toMatchObject({
    relay: { url: 'http://file:1' },
    key: 'tp_agent_file',
    keySource: settingsFile,
  });
});

test('the key of a settings file goes to the relay of that file, whatever the environment names', () => {
  const settingsFile = put('turnpost.json', '{"url":"https://relay.example.com","key":"tp_agent_file"}');
  const env = { ...here(), TURNPOST_URL: 'http://127.0.0.1:9' };
  expect(findConnection({ env, settingsFile }).relay).toEqual({ url: 'https://relay.example.com' });
});

test('the admin key of this machine is not sent to another one', () => {
  put('admin.key', ADMIN);
  for (const url of ['https://relay.example.com', 'http://127.0.0.1.example.com', 'http://192.0.2.7:8725']) {
    expect(findConnection({ env: here(), url }).key, url).toBeUndefined();
  }
  for (const url of ['http://127.0.0.1:8725', 'http://localhost:1', 'http://[::1]:8725']) {
    expect(findConnection({ env: here(), url }).key, url).toBe(ADMIN);
  }
});

test('an admin verb passes over the key of an agent, and a verb of agents over an admin key', () => {
  put('admin.key', ADMIN);
  const env = { ...here(), TURNPOST_KEY: 'tp_agent_env' };
  expect(findConnection({ env, scope: 'admin' }).key).toBe(ADMIN);
  expect(findConnection({ env: here(), scope: 'agent' }).key).toBeUndefined();
  expect(findConnection({ env, scope: 'agent' }).key).toBe('tp_agent_env');
});

test('TURNPOST_SOCKET=off is the setting of the relay and no path', () => {
  expect(findConnection({ env: { ...here(), TURNPOST_SOCKET: 'off' } }).relay).toEqual({
    url: 'http://127.0.0.1:8725',
  });
});

test.each([
  ['no URL', { url: 'relay.example.com' }, /in the options is not a URL/],
  ['another scheme', { url: 'file:///etc/passwd' }, /in the options is not a URL/],
  ['a key with a line end', { key: 'tp_agent_a\r\nX-Evil: 1' }, /key in the option --key holds characters/],
  ['no such settings file', { settingsFile: '/nowhere/turnpost.json' }, /cannot be read/],
])('%s is refused by name', (_what, request, message) => {
  expect(() => findConnection({ env: here(), ...request })).toThrow(message);
});

test('a settings file that is no JSON is refused by name', () => {
  const settingsFile = put('turnpost.json', 'key=1');
  expect(() => findConnection({ env: here(), settingsFile })).toThrow(`The settings file ${settingsFile} is not JSON`);
});

test('the data folder is found as the relay finds it', () => {
  expect(dataFolder({ TURNPOST_DATA_DIR: '/data/tp' })).toBe('/data/tp');
  expect(dataFolder({ XDG_DATA_HOME: '/home/u/.data' })).toBe('/home/u/.data/turnpost');
  expect(dataFolder({})).toMatch(/\/\.local\/share\/turnpost$/);
});
