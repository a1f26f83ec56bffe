// Pieces of Markdown that the views share: text that must not be read as markup, and links to commands.

/** One line of plain text: whatever is markup in it shows as it was typed. */
export function escaped(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, '\\$&');
}

/** The text's first line, at most `length` characters of it. */
export function shortened(text: string, length: number): string {
  const line = text.trim().split('\n', 1)[0]!.trim();
  const whole = line.length <= length && line.length === text.trim().length;
  return whole ? line : `${line.slice(0, length - 1).trimEnd()}…`;
}

/** A link that runs a command, where the Markdown is trusted to. */
export function commandLink(title: string, command: string, argument?: object): string {
  const query = argument === undefined ? '' : `?${encodeURIComponent(JSON.stringify([argument]))}`;
  return `[${title}](command:${command}${query})`;
}
