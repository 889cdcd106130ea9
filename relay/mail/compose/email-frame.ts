/**
 * The frame around an agent's words in an outgoing email: templates/email/frame.txt and frame.html.
 * `{{name}}` is replaced by a value, once and never again inside a value; in HTML every value is escaped, but for those
 * that were made as HTML.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { escapeHtml, markdownToHtml } from './markdown-html.ts';

export interface EmailFrame {
  readonly text: string;
  readonly html: string;
}

/** Reads the frame once, at start; throws where a file is missing. */
export function readEmailFrame(folder: string): EmailFrame {
  return {
    text: readFileSync(path.join(folder, 'frame.txt'), 'utf8'),
    html: readFileSync(path.join(folder, 'frame.html'), 'utf8'),
  };
}

/** A file that stayed with the relay, and where it can be had. */
export interface LinkedFile {
  readonly filename: string;
  /** Bytes. */
  readonly size: number;
  readonly url: string;
}

export interface FrameValues {
  readonly marker: string;
  readonly subject: string;
  /** The agent's words, Markdown and all, as they are. */
  readonly body: string;
  readonly who: string;
  readonly answer: string;
  readonly thread: string;
  readonly files: readonly LinkedFile[];
  /** Until when the files can be had, as a date; says nothing without files. */
  readonly filesUntil: string;
  /** Where to say that no more mail is wanted; null: that is not offered. */
  readonly unsubscribe: string | null;
}

const UNSUBSCRIBE = 'No more mail from this agent:';

export function fillText(template: string, values: FrameValues): string {
  const { files, filesUntil, unsubscribe, ...rest } = values;
  const lines = files.map(({ filename, size, url }) => `* ${filename} (${readableSize(size)})\n  ${url}`);
  return fill(template, {
    ...rest,
    files: lines.length === 0 ? '' : `\n${filesTitle(filesUntil)}\n${lines.join('\n')}\n`,
    unsubscribe: unsubscribe === null ? '' : `\n${UNSUBSCRIBE} ${unsubscribe}`,
  });
}

export function fillHtml(template: string, values: FrameValues): string {
  const { body, files, filesUntil, unsubscribe, ...rest } = values;
  const escaped = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, escapeHtml(value)]));
  return fill(template, {
    ...escaped,
    body: markdownToHtml(body),
    files: files.length === 0 ? '' : filesHtml(files, filesUntil),
    unsubscribe: unsubscribe === null ? '' : `<br>${UNSUBSCRIBE} ${anchor(unsubscribe, 'unsubscribe')}`,
  });
}

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = Object.entries(values).find(([key]) => key === name)?.[1];
    if (value === undefined) throw new TypeError(`the email frame asks for {{${name}}}, which there is not`);
    return value;
  });
}

const filesTitle = (until: string): string => `The files are too large for an email. Until ${until} they are here:`;

function filesHtml(files: readonly LinkedFile[], until: string): string {
  const items = files.map(
    ({ filename, size, url }) =>
      `<li style="margin:0 0 6px;overflow-wrap:anywhere">${anchor(url, filename)} (${readableSize(size)})</li>`,
  );
  return `<p style="margin:16px 0 8px">${filesTitle(until)}</p>\n<ul style="margin:0 0 12px;padding-left:24px">${items.join('')}</ul>`;
}

const anchor = (url: string, words: string): string =>
  `<a href="${escapeHtml(url)}" rel="noopener noreferrer">${escapeHtml(words)}</a>`;

export function readableSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
