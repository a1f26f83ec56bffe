// The hover of a decorated line: what was asked, what was matched and why, what it saved, and what can be done.

import { ageText, distanceText, durationText, statusText, type ShownAsk } from './answerStatus.ts';
import { commandLink, escaped, shortened } from './markdownText.ts';
import { countText } from './amounts.ts';
import { offerCommands, offerMarkdown } from './nearOffer.ts';

/** The commands that the hover may run. */
export const askCommands = [
  'semcache.refresh',
  'semcache.edit',
  'semcache.delete',
  'semcache.wrongAnswer',
  'semcache.showEntry',
  'semcache.showAnswer',
  'semcache.explain',
  'semcache.stop',
  ...offerCommands,
] as const;

/** Markdown with command links. */
export function hoverText(ask: ShownAsk): string {
  const { status } = ask;
  return [
    `**${escaped(statusText(status))}**`,
    ...whyLine(ask),
    `You asked: “${escaped(shortened(ask.question, 200))}”`,
    ...(ask.offer === null ? [] : [offerMarkdown(ask.offer, ask.id)]),
    ...decisionLines(ask),
    ...(status.failure === undefined ? [] : [escaped(status.failure)]),
    ...(status.codeChanged ? ['The code has changed since. The answer may no longer fit it.'] : []),
    ...(ask.notStored === null ? [] : [`Not stored: ${escaped(ask.notStored)}.`]),
    linksOf(ask),
  ].join('\n\n');
}

/** The reason in one line, and the way to all of it. */
function whyLine({ id, status: { decision } }: ShownAsk): string[] {
  if (decision === null) return [];
  return [`${escaped(shortened(decision.why, 200))} ${commandLink('Why?', 'semcache.explain', { askId: id })}`];
}

function decisionLines({ status: { decision, phase, tookMs, model }, usage, offer }: ShownAsk): string[] {
  if (decision === null) return [];
  switch (decision.status) {
    case 'hit':
    case 'stale':
      return [
        ...(decision.match === 'exact' ? [] : [`Matched: “${escaped(shortened(decision.instruction, 200))}”`]),
        table([
          ['Distance', `${distanceText(decision.distance)} (0 is identical)`],
          ['Age', ageText(decision.ageMs)],
          ['Saved', `${countText(decision.savedTokens)} tokens · ${durationText(decision.savedMs)}`],
          ['Model', model],
        ]),
      ];
    case 'miss':
    case 'bypass': {
      const rows: Array<[string, string]> = [['Model', model]];
      if (phase === 'answered') rows.push(['Took', durationText(tookMs)]);
      if (usage !== null) rows.push(['Used', `${countText(usage.promptTokens + usage.completionTokens)} tokens`]);
      const nearest = decision.status === 'miss' ? decision.nearest : undefined;
      return [
        table(rows),
        ...(nearest === undefined || offer !== null
          ? []
          : [`Nearest: “${escaped(shortened(nearest.instruction, 200))}”, distance ${distanceText(nearest.distance)}`]),
      ];
    }
  }
}

function linksOf(ask: ShownAsk): string {
  const argument = { askId: ask.id };
  const link = (title: string, command: (typeof askCommands)[number]): string => commandLink(title, command, argument);
  if (ask.status.phase === 'asking') return [link('Stop', 'semcache.stop'), link('Show answer', 'semcache.showAnswer')].join(' · ');
  const links = [link('Show answer', 'semcache.showAnswer'), link('Refresh', 'semcache.refresh')];
  if (ask.entryId !== null) {
    links.push(
      link('Edit', 'semcache.edit'),
      link('Delete', 'semcache.delete'),
      link('Wrong answer', 'semcache.wrongAnswer'),
      link('Show entry', 'semcache.showEntry'),
    );
  }
  return links.join(' · ');
}

function table(rows: Array<[string, string]>): string {
  return ['| | |', '|:--|:--|', ...rows.map(([name, value]) => `| ${name} | ${escaped(value)} |`)].join('\n');
}
