/** Waiting without being taken for dead: a host that gave a progress token hears of a long call every few seconds. */
import type { ToolCall } from './tool.ts';

/** The SDKs' default limit of a request is 60 s, and each progress notification starts it anew where the host allows. */
const PROGRESS_EVERY_MS = 5_000;

export async function withProgress<T>(work: Promise<T>, seconds: number, message: string, call: ToolCall): Promise<T> {
  if (seconds * 1000 <= PROGRESS_EVERY_MS) return work;
  let elapsed = 0;
  const timer = setInterval(() => {
    elapsed += PROGRESS_EVERY_MS / 1000;
    // A host that is gone hears nothing; the call's own signal ends the work.
    call.progress(Math.min(elapsed, seconds), seconds, message).catch(() => undefined);
  }, PROGRESS_EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
