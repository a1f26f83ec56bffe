// What is generated from the settings table is what the table says.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generate, withSettings, withTable } from '../../scripts/generate.mjs';
import { settingsTable } from '../../server/protocol/settings.ts';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

test('package.json and README.md are as the settings table says; else: npm run generate', async () => {
  expect(await generate({ write: false })).toEqual([]);
});

test('withSettings() writes every setting with its default, text and scope, and lists the restricted ones', () => {
  const manifest = JSON.parse(withSettings('{"contributes":{},"capabilities":{"untrustedWorkspaces":{"supported":"limited"}}}'));
  const { properties } = manifest.contributes.configuration;
  expect(Object.keys(properties)).toEqual(Object.keys(settingsTable).map(name => `semcache.${name}`));
  for (const [name, row] of Object.entries(settingsTable)) {
    expect(properties[`semcache.${name}`]).toMatchObject({ type: row.type, default: row.default, scope: row.scope, markdownDescription: row.text });
  }
  expect(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations).toContain('semcache.embedding.endpoint');
  expect(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations).not.toContain('semcache.ttl');
});

test('withSettings() changes nothing else in package.json', () => {
  const others = (text: string): object => {
    const manifest = JSON.parse(text);
    manifest.contributes.configuration = null;
    manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = null;
    return manifest;
  };
  expect(others(withSettings(read('package.json')))).toEqual(others(read('package.json')));
});

test('withTable() writes a row for every setting between the markers and nothing outside of them', () => {
  const text = withTable('before\n<!-- settings -->\nearlier table\n<!-- /settings -->\nafter\n');
  expect(text).toMatch(/^before\n<!-- settings -->\n\| Setting/);
  expect(text).toMatch(/\|\n<!-- \/settings -->\nafter\n$/);
  expect(text).not.toContain('earlier table');
  for (const name of Object.keys(settingsTable)) expect(text).toContain(`| \`semcache.${name}\` |`);
  expect(() => withTable('no markers')).toThrow(/<!-- settings -->/);
});
