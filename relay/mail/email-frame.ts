/**
 * The frame around an agent's words in an outgoing email: templates/email/frame.txt and frame.html.
 * `{{name}}` is replaced by a value, once and never again inside a value; in HTML every value is escaped.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

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

export interface FrameValues {
  readonly marker: string;
  readonly subject: string;
  /** The agent's words, Markdown and all, as they are. */
  readonly body: string;
  readonly who: string;
  readonly answer: string;
  readonly thread: string;
}

export function fillText(template: string, values: FrameValues): string {
  return fill(template, values, (value) => value);
}

export function fillHtml(template: string, values: FrameValues): string {
  return fill(template, values, escapeHtml);
}

function fill(template: string, values: FrameValues, write: (value: string) => string): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = Object.entries(values).find(([key]) => key === name)?.[1];
    if (value === undefined) throw new TypeError(`the email frame asks for {{${name}}}, which there is not`);
    return write(value);
  });
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
