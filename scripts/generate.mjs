// Carries the settings table (server/protocol/settings.ts) into package.json and the README.
// Run it: node scripts/generate.mjs [--check]. With --check nothing is written, and it ends with code 1 where something differs.

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { settingsTable } from '../server/protocol/settings.ts';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const makers = { 'package.json': withSettings, 'README.md': withTable };

/** Names of the generated files that are not as the settings table says; with `write` they are made so. */
export async function generate({ write }) {
  const stale = [];
  for (const [name, make] of Object.entries(makers)) {
    const file = path.join(root, name);
    const before = await readFile(file, 'utf8');
    const after = make(before);
    if (after === before) continue;
    stale.push(name);
    if (write) await writeFile(file, after);
  }
  return stale;
}

/** package.json with the settings, and with those that an untrusted folder may not change. */
export function withSettings(text) {
  const manifest = JSON.parse(text);
  manifest.contributes.configuration = {
    title: 'Semcache',
    properties: Object.fromEntries(rows().map(([name, row], order) => [`semcache.${name}`, propertyOf(row, order)])),
  };
  manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = rows()
    .filter(([, row]) => row.restricted)
    .map(([name]) => `semcache.${name}`);
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The README with the table between its two markers. @throws Error without them */
export function withTable(text) {
  const lines = rows().map(([name, row]) => `| \`semcache.${name}\` | ${shownDefault(row)} | ${shownText(row)} |`);
  const table = ['| Setting | Default | Meaning |', '| --- | --- | --- |', ...lines].join('\n');
  const markers = /(<!-- settings -->\n)[^]*?(<!-- \/settings -->)/;
  if (!markers.test(text)) throw new Error('README.md has no "<!-- settings -->" and "<!-- /settings -->" to write the table between.');
  return text.replace(markers, (_all, start, end) => `${start}${table}\n${end}`);
}

function rows() {
  return Object.entries(settingsTable);
}

function propertyOf({ restricted, text, enumDescriptions, ...schema }, order) {
  return {
    ...schema,
    ...(enumDescriptions ? { markdownEnumDescriptions: enumDescriptions } : {}),
    markdownDescription: text,
    order,
  };
}

function shownDefault({ default: value }) {
  if (typeof value === 'object' && Object.keys(value).length > 0) return 'see there';
  return `\`${JSON.stringify(value)}\``;
}

function shownText({ text, enum: values, enumDescriptions }) {
  const choices = (values ?? []).map((value, i) => `<br>\`${value}\`: ${enumDescriptions?.[i] ?? ''}`);
  return (text + choices.join('')).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

async function main() {
  const check = process.argv.includes('--check');
  const stale = await generate({ write: !check });
  if (!check) return console.log(stale.length > 0 ? `Wrote ${stale.join(' and ')}.` : 'Nothing has changed.');
  if (stale.length === 0) return;
  console.error(`${stale.join(' and ')} is not what server/protocol/settings.ts says. Run "npm run generate".`);
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
