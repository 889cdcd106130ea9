/** The section for a project's agent instructions file. */
import type { Edit, Setup } from '../types.ts';

export function instructionsEdit(path: string, { instructions }: Setup): Edit {
  const section = { begin: '<!-- turnpost:begin -->', end: '<!-- turnpost:end -->', lines: instructions };
  return { format: 'section', path, section };
}
