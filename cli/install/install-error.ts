/** What a person is told when an install cannot be done: what is wrong, where, and what to do next. Nothing was written. */
export class InstallError extends Error {
  override readonly name = 'InstallError';
}

/** A file that does not parse. Line and column count from 1. */
export function brokenFile(path: string, line: number, column: number, what: string): InstallError {
  return new InstallError(
    `${path}:${line}:${column}: ${what}. Nothing was written. Mend this file (or move it away), then run the command again.`,
  );
}

/** A setting that is there but of another kind than the client reads. */
export function wrongShape(path: string, at: readonly (string | number)[], wanted: string): InstallError {
  return new InstallError(
    `${path}: "${at.join('.')}" should be ${wanted}. Nothing was written. Correct it, then run the command again.`,
  );
}
