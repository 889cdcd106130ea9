/**
 * What a transcript line proves, per host, as measured (docs/decisions.md). `injected` gives the texts of ours that a line
 * holds, with its proof; `answers` says whether a line was written by the model (all such lines hold `answer`). Neither
 * may take a tool's result or the model's own words for an injection.
 */

/** The text is in the conversation; the next prompt will carry it. */
export const WRITTEN = 1;
/** A model request was made that carried the text. */
export const REQUESTED = 2;
/** The model has answered since. */
export const ANSWERED = 3;

const CLAUDE_LEAD = '<system-reminder>\nStop hook additional context: ';

const CLAUDE = {
  injected(line) {
    const context = line.type === 'attachment' ? line.attachment : undefined;
    if (context?.type === 'hook_additional_context' && context.hookEvent === 'Stop') {
      // Also written at the cap, and when another hook says `continue: false`: no request follows then.
      return { proof: WRITTEN, texts: context.content };
    }
    if (line.type !== 'api-request-blob' || line.message?.role !== 'user') return NOTHING;
    const texts = textsOf(line.message.content).filter((text) => text.startsWith(CLAUDE_LEAD));
    return { proof: REQUESTED, texts: texts.map((text) => text.slice(CLAUDE_LEAD.length)) };
  },
  answer: '"type":"assistant"',
  // `<synthetic>` lines stand where a request failed or none was made.
  answers: (line) =>
    line.type === 'assistant' && !line.isSidechain && !line.isApiErrorMessage && line.message?.model !== '<synthetic>',
};

// Gemini and Codex write the user line only when the turn goes on: not when another hook says `continue: false`.
const GEMINI = {
  injected: (line) => (line.type === 'user' ? { proof: REQUESTED, texts: textsOf(line.content) } : NOTHING),
  answer: '"type":"gemini"',
  answers: (line) => line.type === 'gemini',
};

const CODEX_LEAD = /^<hook_prompt [^>]*>/;

const CODEX = {
  injected(line) {
    if (line.type !== 'response_item' || line.payload?.role !== 'user') return NOTHING;
    const texts = textsOf(line.payload.content).filter((text) => CODEX_LEAD.test(text));
    return { proof: REQUESTED, texts: texts.map((text) => text.replace(CODEX_LEAD, '')) };
  },
  answer: '"type":"response_item"',
  answers: (line) =>
    line.type === 'response_item' &&
    (line.payload?.role === 'assistant' || /_call$|^reasoning$/.test(line.payload?.type)),
};

const NOTHING = { proof: 0, texts: [] };

/** Content is a string, or a list of parts of which some have a text. */
function textsOf(content) {
  if (typeof content === 'string') return [content];
  return (content ?? []).map((part) => part?.text).filter((text) => typeof text === 'string');
}

export const LINES = { claude: CLAUDE, gemini: GEMINI, codex: CODEX };
