/**
 * A page for people who follow a link in an email: plain, without a script, from nowhere but here. Every value is escaped.
 */
import type { Response } from 'express';

export interface Page {
  readonly title: string;
  readonly lines: readonly string[];
  /** A button that sends this page's own address by POST. */
  readonly button?: string;
}

const STYLE =
  ':root{color-scheme:light dark}body{margin:0 auto;padding:24px 16px;max-width:36em;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}button{padding:10px 16px;font:inherit}';

/** The links hold secrets: they are neither stored, nor told to another site, nor found by a search. */
export function keepPrivate(res: Response): void {
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Referrer-Policy', 'no-referrer');
  res.setHeader('X-Robots-Tag', 'noindex, nofollow');
  res.setHeader('X-Content-Type-Options', 'nosniff');
}

export function sendPage(res: Response, status: number, { title, lines, button }: Page): void {
  keepPrivate(res);
  res.setHeader(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  );
  const form =
    button === undefined
      ? ''
      : `<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>${escaped(button)}</button></form>`;
  const paragraphs = lines.map((line) => `<p>${escaped(line)}</p>`).join('');
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)}</title><style>${STYLE}</style>`;
  const html = `<!doctype html><html lang="en"><head>${head}</head><body><h1>${escaped(title)}</h1>${paragraphs}${form}</body></html>`;
  res.status(status).setHeader('Content-Type', 'text/html; charset=utf-8');
  res.end(html);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (mark) => ESCAPES[mark] ?? mark);
