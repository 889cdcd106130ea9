/**
 * Our handlers among the user's in the `hooks` part of a settings file. Claude Code, Gemini CLI and Codex share its
 * shape: `hooks.<Event>` is a list of groups, each with a list `hooks` of handlers.
 *
 * A handler is ours by what it runs: a hook file in a folder `hooks/turnpost`, or the relay's hook address. So ours are
 * found again after the project or the package moved, and when no record is left.
 */
import { isDeepStrictEqual } from 'node:util';
import { isPlainObject, type JsoncDocument, type JsonPath } from './jsonc-document.ts';
import type { HookEntry } from './types.ts';

const OUR_COMMAND = /hooks[\\/]turnpost[\\/](?:end-of-turn|session-start|prompt|session-end)\.mjs/;
const OUR_URL = /\/v1\/hooks\/(?:claude|gemini|codex)\//;

export function isOurHandler(handler: unknown): boolean {
  if (!isPlainObject(handler)) return false;
  const { command, url } = handler;
  return (typeof command === 'string' && OUR_COMMAND.test(command)) || (typeof url === 'string' && OUR_URL.test(url));
}

export interface FoundHook {
  readonly event: string;
  /** hooks, event, group number, hooks, handler number. */
  readonly at: JsonPath;
  readonly handler: Readonly<Record<string, unknown>>;
}

/** Our handlers in a parsed settings file, in its order. Takes any shape: what is not a handler is passed over. */
export function findOurHooks(settings: unknown): FoundHook[] {
  const hooks = isPlainObject(settings) ? settings['hooks'] : undefined;
  if (!isPlainObject(hooks)) return [];
  return Object.entries(hooks).flatMap(([event, groups]) =>
    asList(groups).flatMap((group, groupIndex) =>
      asList(isPlainObject(group) ? group['hooks'] : undefined).flatMap((handler, index) =>
        isPlainObject(handler) && isOurHandler(handler)
          ? [{ event, at: ['hooks', event, groupIndex, 'hooks', index], handler }]
          : [],
      ),
    ),
  );
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Puts in what is missing, corrects what differs, takes out what is ours and no longer wanted. */
export function setHooks(document: JsoncDocument, entries: readonly HookEntry[]): void {
  const found = findOurHooks(document.get([]));
  const kept = new Set(entries.map(({ event }) => found.find((hook) => hook.event === event)));
  for (const hook of found) {
    const wanted = kept.has(hook) ? entries.find(({ event }) => event === hook.event) : undefined;
    if (wanted !== undefined && !isDeepStrictEqual(wanted.handler, hook.handler))
      document.replace(hook.at, wanted.handler);
  }
  removeHooks(
    document,
    found.filter((hook) => !kept.has(hook)),
  );
  for (const { event, handler } of entries) {
    if (!found.some((hook) => hook.event === event)) document.append(['hooks', event], { hooks: [handler] });
  }
}

/** Takes these handlers out, and the groups that are empty without them. */
export function removeHooks(document: JsoncDocument, found: readonly FoundHook[]): void {
  // Last first: taking one out moves those behind it.
  for (const { at } of found.toReversed()) {
    document.remove(at);
    const handlers = document.get(at.slice(0, 4));
    if (Array.isArray(handlers) && handlers.length === 0) document.remove(at.slice(0, 3));
  }
}
