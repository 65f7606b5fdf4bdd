/** Escaped, so that no cut, neither ours nor that of a buffer on the way, goes through a character. */
const NOT_ASCII = /[\u0080-\uffff]/g;

/** JSON as a table keeps it: ASCII only. */
export function asStored(value: unknown): string {
  return JSON.stringify(value).replaceAll(NOT_ASCII, escaped);
}

/** Of the text within a record, without its quotes. */
function storedLength(text: string): number {
  return asStored(text).length - 2;
}

/**
 * Beginning and end of a text that is longer than so many characters as a table keeps it, and how much was left
 * out: an error says at its beginning what failed, and at its end why.
 */
export function shortened(text: string, maxStored: number): string {
  if (storedLength(text) <= maxStored) return text;
  const characters = Array.from(text);
  const mark = ` … [${characters.length} characters, shortened] … `;
  const half = Math.floor((maxStored - storedLength(mark)) / 2);
  const begin = fitting(characters, half);
  const end = fitting(characters.toReversed(), half).toReversed();
  return `${begin.join('')}${mark}${end.join('')}`;
}

function fitting(characters: readonly string[], maxStored: number): readonly string[] {
  let length = 0;
  const end = characters.findIndex((character) => (length += storedLength(character)) > maxStored);
  return characters.slice(0, end);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
