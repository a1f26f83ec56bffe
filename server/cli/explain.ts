// `semcache explain`: why a question would be answered as it would, in lines a person can read, or as JSON.
// Owns: the layout of those lines. Does not know: how a lookup decides, or the words of its reasons.
// Always true: nothing is counted, stored or sent anywhere.

import type { CandidateExplanation, Explanation } from '../protocol/explanation.ts';
import { seedSettings, type CacheSettings } from '../protocol/settings.ts';
import type { CommandIo } from './commandIo.ts';
import { printResult, withParts, type CommonOptions } from './verbs.ts';

export interface ExplainOptions extends CommonOptions {
  prompt: string;
  llmString: string;
  matching: CacheSettings['matching'];
  threshold?: number;
  maxWrongHitRate?: number;
}

export async function explain(options: ExplainOptions, io: CommandIo): Promise<number> {
  const { prompt, llmString, matching, threshold, maxWrongHitRate } = options;
  const settings: CacheSettings = {
    ...seedSettings,
    matching,
    ...(threshold === undefined ? {} : { scoreThreshold: threshold }),
    ...(maxWrongHitRate === undefined ? {} : { maxWrongHitRate }),
  };
  const explanation = await withParts(options, io, parts => parts.explain({ prompt, llmString }, settings));
  return printResult(options, io, explanation, report(explanation));
}

function report(explanation: Explanation): string {
  const { decision, candidates, elsewhere, context, matching, maxWrongHitRate } = explanation;
  const beside = context.map(({ kind, name }) => (name === kind ? kind : `${kind} (${name})`));
  return [
    `${decision.status}: ${decision.why}`,
    `question    ${oneLine(explanation.instruction)}`,
    `model       ${explanation.llmString}`,
    `context     ${beside.length === 0 ? 'nothing beside the question' : beside.join(', ')}`,
    `matching    ${matching}${matching === 'verified' ? `, at most ${percent(maxWrongHitRate)} of what is served by meaning may be wrong` : ''}`,
    candidates.length === 0 ? 'Nothing was asked about the same context before.' : 'Stored about the same context, nearest first:',
    ...candidates.flatMap(candidateLines),
    ...(elsewhere.length === 0 ? [] : ['The same question elsewhere:']),
    ...elsewhere.map(({ entryId, differs }) => `  ${entryId}  ${differs.join('; ')}`),
  ].join('\n');
}

function candidateLines(candidate: CandidateExplanation): string[] {
  const { distance, outcome, instruction, why, probability, bound, guards = [] } = candidate;
  const others = guards.map(({ reason }) => reason).filter(reason => reason !== why);
  const weighed = probability === undefined || why.includes('probability') ? [] : [`the same with ${percent(probability)} probability; needed: ${bound === undefined ? 'more than any has' : percent(bound)}`];
  return [`  ${distance.toFixed(3)}  ${outcome}: ${oneLine(instruction)}`, ...[why, ...others, ...weighed].map(line => `         ${line}`)];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}
