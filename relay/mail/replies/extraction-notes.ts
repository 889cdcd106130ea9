/** What a reader must know of an extraction: the sentences of NewWords.notes. */

export const EXTRACTION_NOTES = {
  unsure: 'It could not be told for certain which words are new, so quoted text may be among them.',
  mismatch: 'The plain text and the HTML of this email say different things; the plain text is shown.',
  stopped: 'The quoted text could not be set apart in time, so the whole email is shown.',
} as const;

export type ExtractionNote = keyof typeof EXTRACTION_NOTES;
