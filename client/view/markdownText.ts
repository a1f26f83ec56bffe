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

/** A table that reads well as plain text too: its columns stand under each other. Cells are plain text. */
export function alignedTable(heads: readonly string[], body: ReadonlyArray<readonly string[]>): string {
  const rows = [heads, ...body].map(cells => cells.map(cell => cell.replaceAll('|', '\\|')));
  const widths = heads.map((_, column) => Math.max(3, ...rows.map(cells => cells[column]!.length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `|${widths.map(width => `:${'-'.repeat(width + 1)}`).join('|')}|`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}
