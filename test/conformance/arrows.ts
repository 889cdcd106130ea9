export function arrowSuite(_open: unknown): void {}
