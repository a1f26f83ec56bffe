// package.json says the same as the code: commands, colours, schemes, ids.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { commandTable } from '../../../client/commands.ts';
import { participantId } from '../../../client/routes/chatParticipant.ts';
import { ownVendor } from '../../../client/routes/models.ts';
import { askCommands } from '../../../client/view/askHover.ts';
import { statusCommands } from '../../../client/view/statusBar.ts';
import { settingsTable } from '../../../server/protocol/settings.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const { contributes } = manifest;
const ids = Object.keys(commandTable);
const sources = readdirSync(path.join(root, 'client'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => readFileSync(path.join(root, 'client', name), 'utf8'))
  .join('\n');

test('every command of the table is in package.json, and the other way round', () => {
  expect(contributes.commands.map(({ command }: { command: string }) => command).sort()).toEqual([...ids].sort());
});

test('every command has the category Semcache and a title of its own', () => {
  const titles = contributes.commands.map(({ title }: { title: string }) => title);
  expect(new Set(titles).size).toBe(titles.length);
  for (const { category, title } of contributes.commands) {
    expect(category).toBe('Semcache');
    expect(title).toMatch(/^[A-Z]/);
  }
});

test('menus, keys, links and walkthroughs run only commands that exist', () => {
  const used = [
    ...Object.values<Array<{ command: string }>>(contributes.menus).flat().map(({ command }) => command),
    ...contributes.keybindings.map(({ command }: { command: string }) => command),
    ...askCommands,
    ...statusCommands.filter(id => id.startsWith('semcache.')),
    ...[...JSON.stringify(contributes.walkthroughs).matchAll(/(?:command|onCommand):(semcache\.\w+)/g)].map(match => match[1]!),
    ...[...sources.matchAll(/'(semcache\.[a-z]\w+)'(?=, \{|\)|, argument)/g)].map(match => match[1]!).filter(id => ids.includes(id)),
  ];
  for (const command of used) expect(ids).toContain(command);
});

test('every colour that the code uses is contributed, with a default for each of the four kinds of theme', () => {
  const used = new Set([...sources.matchAll(/'(semcache\.\w+Foreground)'/g)].map(match => match[1]));
  expect(new Set(contributes.colors.map(({ id }: { id: string }) => id))).toEqual(used);
  for (const { defaults } of contributes.colors) {
    expect(Object.keys(defaults).sort()).toEqual(['dark', 'highContrast', 'highContrastLight', 'light']);
  }
});

test.each([
  { kind: 'dark', background: '#1f1f1f', ratio: 4.5 },
  { kind: 'light', background: '#ffffff', ratio: 4.5 },
  { kind: 'highContrast', background: '#000000', ratio: 7 },
  { kind: 'highContrastLight', background: '#ffffff', ratio: 7 },
])('every colour can be read on a $kind background (contrast $ratio)', ({ kind, background, ratio }) => {
  for (const { id, defaults } of contributes.colors) {
    expect(contrast(defaults[kind], background), id).toBeGreaterThanOrEqual(ratio);
  }
});

test('participant, vendor and managing command are those of the code', () => {
  expect(contributes.chatParticipants).toHaveLength(1);
  expect(contributes.chatParticipants[0]).toMatchObject({ id: participantId, name: 'semcache' });
  expect(contributes.languageModelChatProviders).toEqual([
    { vendor: ownVendor, displayName: 'Semcache', managementCommand: 'semcache.chooseModel' },
  ]);
});

test('a folder that is not trusted cannot set what the table restricts', () => {
  const restricted = Object.entries(settingsTable as Record<string, { restricted?: boolean }>)
    .filter(([, row]) => row.restricted === true)
    .map(([name]) => `semcache.${name}`);
  expect(manifest.capabilities.untrustedWorkspaces).toMatchObject({ supported: 'limited', restrictedConfigurations: restricted });
});

test('every picture and page of the walkthrough is there', () => {
  for (const { steps } of contributes.walkthroughs) {
    for (const { media } of steps) expect(existsSync(path.join(root, media.markdown)), media.markdown).toBe(true);
  }
});

/** Contrast ratio as WCAG 2 defines it, 1..21. */
function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light! + 0.05) / (dark! + 0.05);
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map(at => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}
