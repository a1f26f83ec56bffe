// Where in a document something was asked, while the document is edited.
// Owns: how a place follows edits and when its code counts as changed. Does not know: VS Code, colours, answers.
// Always true: a mark is changed if and only if the text at its place is not the text that was asked about.

/** Offsets are UTF-16 code units from the start of the document; `end` is exclusive. */
export interface Mark {
  askId: string;
  start: number;
  end: number;
  askedText: string;
  changed: boolean;
}

/** One replacement, as a text document's change event gives it. */
export interface Edit {
  rangeOffset: number;
  rangeLength: number;
  text: string;
}

/**
 * The mark after these edits, which are applied in their order. `documentText` is the text after all of them.
 * Where the asked text was moved or brought back (undo, a formatter that replaced the whole file), the mark goes to
 * the occurrence nearest to its place.
 */
export function followEdits(mark: Mark, edits: readonly Edit[], documentText: string): Mark {
  let { start, end } = mark;
  for (const { rangeOffset, rangeLength, text } of edits) {
    const editEnd = rangeOffset + rangeLength;
    const growth = text.length - rangeLength;
    if (editEnd <= start) {
      start += growth;
      end += growth;
    } else if (rangeOffset < end) {
      start = Math.min(start, rangeOffset);
      end = Math.max(end, editEnd) + growth;
    }
  }
  if (documentText.slice(start, end) === mark.askedText) return { ...mark, start, end, changed: false };
  const found = nearestOccurrence(documentText, mark.askedText, start);
  if (found !== null) return { ...mark, start: found, end: found + mark.askedText.length, changed: false };
  return { ...mark, start, end, changed: true };
}

function nearestOccurrence(text: string, wanted: string, near: number): number | null {
  if (wanted === '') return null;
  const after = text.indexOf(wanted, near);
  const before = text.lastIndexOf(wanted, near);
  if (after === -1 && before === -1) return null;
  if (after === -1) return before;
  if (before === -1) return after;
  return after - near <= near - before ? after : before;
}
