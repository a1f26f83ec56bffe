// One entry in words, for "Show Entry".

import type { EntryDetail } from '../../server/protocol/messages.ts';
import { ageText, durationText } from './answerStatus.ts';
import { alignedTable } from './markdownText.ts';
import { countText, numberOf } from './amounts.ts';

export function entryText(entry: EntryDetail, now: number): string {
  const facts: Array<[string, string]> = [
    ['Model', entry.model],
    ['Stored', `${moment(entry.createdAt)} (${ageText(now - entry.createdAt)} ago)`],
    ...(entry.updatedAt === entry.createdAt ? [] : ([['Updated', moment(entry.updatedAt)]] as Array<[string, string]>)),
    ['Kept until', moment(entry.expiresAt)],
    ['Served', servedText(entry)],
    ['Took the model', durationText(entry.upstreamMs)],
    ['Tokens', entry.usage === null ? 'not known' : usageText(entry.usage)],
    ['Asked through', routeWords[entry.route]],
    ['Found by', entry.fingerprint === null ? 'identical questions only' : 'meaning'],
  ];
  const context = entry.context.map(part => `- ${part.kind}: ${part.name} (SHA-256 ${part.sha256.slice(0, 12)}…)`);
  return [
    '# Cached answer',
    entry.instruction === '' ? '*The prompt had no question in words.*' : quoted(entry.instruction),
    alignedTable(['Entry', entry.id], facts),
    '## Context',
    context.length === 0
      ? 'None: the question stands on its own.'
      : `Must be equal, byte for byte, for this answer to be served:\n\n${context.join('\n')}`,
    '## Answer',
    ...entry.generations.map(generation => generation.text.trimEnd()),
    '',
  ].join('\n\n');
}

const routeWords: Record<EntryDetail['route'], string> = {
  command: 'a command',
  participant: '@semcache in the chat',
  'model-provider': 'a cached model, picked by an extension or the chat',
  gateway: 'another tool (HTTP)',
  cli: 'the command line',
};

function servedText({ hits, lastHitAt }: EntryDetail): string {
  return lastHitAt === null ? 'never yet' : `${numberOf(hits, 'time')}, last ${moment(lastHitAt)}`;
}

function usageText({ promptTokens, completionTokens, estimated }: NonNullable<EntryDetail['usage']>): string {
  return `${countText(promptTokens)} prompt, ${countText(completionTokens)} answer${estimated === true ? ' (estimated)' : ''}`;
}

function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function quoted(text: string): string {
  return text.split('\n').map(line => `> ${line}`.trimEnd()).join('\n');
}
