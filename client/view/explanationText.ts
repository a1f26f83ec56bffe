// Why a question was answered as it was, for "Explain This Answer": the daemon's explanation in a person's words.
// Owns: the order of what is told. Does not know: how a decision is made.

import type { Care } from '../../server/protocol/care.ts';
import { missWords } from '../../server/protocol/decision.ts';
import type { CandidateExplanation, Elsewhere, Explanation } from '../../server/protocol/explanation.ts';
import { invocationOf } from '../../server/protocol/prompt.ts';
import { numberOf } from './amounts.ts';
import { agoText, distanceText, durationText, type ShownAsk } from './answerStatus.ts';
import { careText, coverageText, stepInForce, wrongText } from './care.ts';
import { alignedTable, shortened } from './markdownText.ts';
import { offerActions } from './nearOffer.ts';
import type { DocumentAction } from './readOnlyDocuments.ts';

export function explanationText(explanation: Explanation, view: { care: Care | null; now: number }): string {
  const { candidates, elsewhere } = explanation;
  return [
    '# Why this answer',
    decisionText(explanation),
    ...judgementText(explanation),
    '## Compared by meaning',
    explanation.instruction === '' ? '*The prompt had no question in words.*' : quoted(explanation.instruction),
    '## Had to be equal',
    equalText(explanation),
    '## Stored questions that were compared',
    ...(candidates.length === 0 ? [noCandidates(explanation)] : [candidateTable(candidates), ...candidates.flatMap(candidateText)]),
    ...(elsewhere.length === 0 ? [] : ['## The same words elsewhere', elsewhere.map(each => elsewhereText(each, view.now)).join('\n')]),
    '## Settings in force',
    settingsText(explanation, view.care),
    '## What you can do',
    remedies(explanation).map(remedy => `- ${remedy}`).join('\n'),
  ].join('\n\n').concat('\n');
}

/** Lenses above the document, for what it names. */
export function explanationActions({ candidates, decision }: Explanation, ask: Pick<ShownAsk, 'id' | 'offer'>): DocumentAction[] {
  const askId = ask.id;
  const actions: DocumentAction[] = (ask.offer === null ? [] : offerActions(ask.offer)).map(action => ({ ...action, argument: { askId } }));
  const refused = candidates.findIndex(candidate => candidate.outcome === 'refused' && !isTooFar(candidate));
  if (decision.status === 'miss' && ask.offer === null && refused !== -1) {
    const argument = { askId, nearId: candidates[refused]!.entryId };
    actions.push({ title: `${refused + 1} is the same question`, command: 'semcache.sameQuestion', argument });
  }
  if (isHit(decision)) actions.push({ title: 'Wrong answer', command: 'semcache.wrongAnswer', argument: { askId } });
  return [...actions, { title: 'Choose how careful…', command: 'semcache.chooseCare' }];
}

function decisionText({ decision }: Explanation): string {
  switch (decision.status) {
    case 'hit':
    case 'stale': {
      const stored = decision.match === 'exact' ? '' : ` It was stored for “${shortened(decision.instruction, 200)}”.`;
      return `**Served from the cache**, stored ${agoText(decision.ageMs)}${decision.status === 'stale' ? ', stale' : ''}. ${decision.why}${stored}`;
    }
    case 'miss':
      return `**Asked of the model.** ${decision.why}${decision.near === undefined ? '' : ` Near enough to be offered: “${shortened(decision.near.instruction, 120)}”.`}`;
    case 'bypass':
      return `**Asked past the cache.** ${decision.why}`;
  }
}

/** What asking the judge cost; what it said is part of the reason. */
function judgementText({ decision }: Explanation): string[] {
  const judgement = 'judgement' in decision ? decision.judgement : undefined;
  if (judgement === undefined) return [];
  const { judge, ms, promptTokens, completionTokens } = judgement;
  return [`Asking the judge, ${judge}, took ${durationText(ms)} and ${numberOf(promptTokens + completionTokens, 'token')}.`];
}

function equalText({ context, llmString }: Explanation): string {
  const parts = context.map(({ kind, name }) => `- ${kindWords[kind]}${name === kind ? '' : `: ${name}`}`);
  return [
    `- ${modelText(llmString)}`,
    ...(parts.length === 0 ? ['- nothing else: the question stands on its own'] : parts),
  ].join('\n');
}

const kindWords: Record<Explanation['context'][number]['kind'], string> = {
  system: 'the system message',
  turn: 'the conversation before it',
  code: 'the code in the question',
  trace: 'the trace in the question',
  data: 'the attachment',
  tools: 'the tools offered',
  selection: 'the selected code',
  file: 'the file',
  diagnostics: 'the problems reported there',
  terminal: 'the terminal text',
  language: 'the language of the open file',
  wrapper: 'the text around the question',
};

/** The model and its parameters, where the string is ours; as it is where another program made it. */
function modelText(llmString: string): string {
  const invocation = invocationOf(llmString);
  if (invocation === null) return `the model and its parameters: ${shortened(llmString, 200)}`;
  const set = Object.entries(invocation.parameters).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return `the model: ${invocation.model}${set.length === 0 ? '' : `, with ${set.join(', ')}`}`;
}

function noCandidates({ decision, matching }: Explanation): string {
  if (isHit(decision)) return 'None was needed: an identical question was there.';
  if (decision.status === 'bypass') return 'None was looked for.';
  return matching === 'exact' ? 'None: only identical questions are looked for.' : 'None was compared.';
}

function candidateTable(candidates: readonly CandidateExplanation[]): string {
  return alignedTable(
    ['#', 'Outcome', 'Distance', 'Same with', 'Needed', 'Stored question'],
    candidates.map((candidate, at) => [
      `${at + 1}`,
      isTooFar(candidate) ? 'too far' : outcomeWords[candidate.outcome],
      distanceText(candidate.distance),
      candidate.trivial === true && candidate.probability === undefined ? 'no doubt' : percent(candidate.probability),
      percent(candidate.bound),
      shortened(candidate.instruction, 44),
    ]),
  );
}

const outcomeWords: Record<CandidateExplanation['outcome'], string> = {
  accepted: 'served',
  near: 'offered',
  refused: 'refused',
  'not-considered': 'not needed',
};

/** Of one that is too far away there is nothing more to say. */
function isTooFar({ outcome, why }: CandidateExplanation): boolean {
  return outcome === 'refused' && why === missWords['too-far'];
}

function candidateText(candidate: CandidateExplanation, at: number): string[] {
  if (isTooFar(candidate)) return [];
  const { instruction, why, guards, alignment, logits } = candidate;
  const lines = [`${at + 1}. “${shortened(instruction, 200)}”`, `   ${why}`];
  for (const { guard, reason } of guards ?? []) if (reason !== why) lines.push(`   - ${guard}: ${reason}`);
  if (alignment !== undefined) lines.push(...wordLines(alignment));
  if (logits !== undefined) lines.push(`   - log-odds of the verifier, both ways: ${logits.map(each => each.toFixed(2)).join(' and ')}`);
  return [lines.join('\n')];
}

function wordLines({ share, leftAsked, leftStored }: NonNullable<CandidateExplanation['alignment']>): string[] {
  const quotedWords = (words: string[]): string => words.map(word => `“${word}”`).join(', ');
  return [
    `   - ${Math.round(share * 100)} % of the words pair up`,
    ...(leftAsked.length === 0 ? [] : [`   - only in your question: ${quotedWords(leftAsked)}`]),
    ...(leftStored.length === 0 ? [] : [`   - only in the stored one: ${quotedWords(leftStored)}`]),
  ];
}

function elsewhereText({ instruction, updatedAt, differs }: Elsewhere, now: number): string {
  return `- “${shortened(instruction, 120)}”, answered ${agoText(now - updatedAt)}: ${differs.join('; ')}`;
}

function settingsText({ matching, maxWrongHitRate }: Explanation, care: Care | null): string {
  if (matching !== 'verified') return `- semcache.matching: ${matching}`;
  const step = care === null ? null : stepInForce(care.steps, maxWrongHitRate);
  return [
    '- semcache.matching: verified',
    `- semcache.maxWrongHitRate: ${maxWrongHitRate} (${careText({ matching, maxWrongHitRate, scoreThreshold: 0 })})`,
    ...(step === null ? [] : [`- ${wrongText(step)}; ${coverageText(step)}`]),
  ].join('\n');
}

/** What stands in quotation marks is a lens of the document, or a command. */
function remedies({ decision, matching, elsewhere }: Explanation): string[] {
  if (isHit(decision)) return ['“Wrong answer” asks the model again, and this answer is never given to this question any more.'];
  if (decision.status === 'bypass') return ['“Semcache: Show Log” tells more of what failed.'];
  const found = [
    ...(decision.near === undefined
      ? []
      : ['“Same question” gives the similar answer to this question from now on.', '“Not the same” never offers it again.']),
    ...(matching === 'exact' || decision.reason === 'refused' ? ['“Choose how careful…” serves more by meaning, or less.'] : []),
    ...(elsewhere.length > 0 ? ['Ask about the same context: what differs is named above.'] : []),
  ];
  return found.length > 0 ? found : ['Nothing: asked again in the same words, it is answered from the cache.'];
}

function isHit(decision: Explanation['decision']): decision is Extract<Explanation['decision'], { match: string }> {
  return 'match' in decision;
}

/** What no probability reaches comes over the wire as null. */
function percent(probability: number | null | undefined): string {
  return typeof probability === 'number' && probability <= 1 ? `${(100 * probability).toFixed(1)} %` : '–';
}

function quoted(text: string): string {
  return text.split('\n').map(line => `> ${line}`.trimEnd()).join('\n');
}
