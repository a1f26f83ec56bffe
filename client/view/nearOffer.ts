// A stored answer to a similar question, offered beside the fresh one: the same words in documents, hovers and chat.
// Owns: the wording of the offer and of what the person said to it, and its links. Does not know: where they are shown.

import type { NearHit } from '../../server/protocol/decision.ts';
import { agoText } from './answerStatus.ts';
import { commandLink, escaped, shortened } from './markdownText.ts';

/** `said`: what the person answered; null while they have not. */
export interface NearOffer {
  readonly near: NearHit;
  said: 'same' | 'not-the-same' | null;
}

/** The commands that an offer may run. */
export const offerCommands = ['semcache.showNear', 'semcache.sameQuestion', 'semcache.notTheSame'] as const;

export interface OfferAction {
  title: string;
  command: (typeof offerCommands)[number];
}

/** What can be done about it now. */
export function offerActions({ said }: NearOffer): OfferAction[] {
  const show: OfferAction = { title: 'Show it', command: 'semcache.showNear' };
  const same: OfferAction = { title: 'Same question', command: 'semcache.sameQuestion' };
  const other: OfferAction = { title: 'Not the same', command: 'semcache.notTheSame' };
  switch (said) {
    case null:
      return [show, same, other];
    case 'same':
      return [show, other];
    case 'not-the-same':
      return [];
  }
}

/** One sentence, as plain text. */
export function offerText({ near, said }: NearOffer): string {
  const words = `“${shortened(near.instruction, 120)}”`;
  switch (said) {
    case null:
      return `A similar question was answered ${agoText(near.ageMs)}: ${words}`;
    case 'same':
      return `You said: the same question as ${words}`;
    case 'not-the-same':
      return `You said: not the same question as ${words}`;
  }
}

/** Markdown: the sentence, and under it the links. */
export function offerMarkdown(offer: NearOffer, askId: string): string {
  const links = offerActions(offer).map(({ title, command }) => commandLink(title, command, { askId }));
  return [escaped(offerText(offer)), ...(links.length === 0 ? [] : [links.join(' · ')])].join('\n\n');
}
