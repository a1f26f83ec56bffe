// "Choose How Careful…": the slider from "exact only" to "adventurous", as a list with measured figures.
// Always true: what is chosen goes to the user's settings; a folder that overrides it is named.

import type * as vscode from 'vscode';
import type { Care } from '../../server/protocol/care.ts';
import { SemcacheError } from '../../server/protocol/errors.ts';
import { careItems, type CareChoice, type CareItem, type CareSettings } from '../view/care.ts';

export interface ChooseCareParts {
  editor: Pick<typeof vscode, 'window' | 'workspace' | 'commands' | 'ConfigurationTarget'>;
  /** Of the daemon that is attached; null while there is none. */
  care: () => Care | null;
  configuration: { readonly settings: { cache: CareSettings & { embeddingEndpoint: string } } };
}

export async function chooseCareCommand({ editor, care, configuration }: ChooseCareParts): Promise<void> {
  const measured = care();
  if (measured === null) throw new SemcacheError('daemon-unreachable', 'The figures to choose by come from the Semcache daemon, and it is not there.');
  const { cache } = configuration.settings;
  const picked = await pick(editor, careItems(measured, cache), placeholder(measured, cache));
  if (picked === undefined) return;
  const section = editor.workspace.getConfiguration('semcache');
  for (const [name, value] of Object.entries(picked.choice)) await section.update(name, value, editor.ConfigurationTarget.Global);
  await tellOverridden(editor, picked.choice);
}

/** Begins at the choice in force, which showQuickPick cannot. */
function pick(editor: ChooseCareParts['editor'], items: CareItem[], placeholder: string): Promise<CareItem | undefined> {
  const input = editor.window.createQuickPick<CareItem>();
  input.title = 'How many of 100 answers served by meaning may be wrong?';
  input.placeholder = placeholder;
  input.matchOnDescription = true;
  input.matchOnDetail = true;
  input.items = items;
  input.activeItems = items.filter(({ inForce }) => inForce);
  return new Promise(resolve => {
    input.onDidAccept(() => {
      resolve(input.selectedItems[0]);
      input.hide();
    });
    input.onDidHide(() => {
      resolve(undefined);
      input.dispose();
    });
    input.show();
  });
}

function placeholder({ date, steps }: Care, { matching, scoreThreshold, embeddingEndpoint }: CareSettings & { embeddingEndpoint: string }): string {
  if (matching === 'distance') return `Now: by distance alone (semcache.scoreThreshold ${scoreThreshold}), whatever the words`;
  if (embeddingEndpoint !== '') return 'Measured with the local model only: with semcache.embedding.endpoint less is served';
  const sets = Math.max(0, ...steps.map(({ measured }) => measured.length));
  return `Measured ${date}${sets > 1 ? ` on ${sets} sets of questions; the worse one is told` : ''}`;
}

async function tellOverridden(editor: ChooseCareParts['editor'], choice: CareChoice): Promise<void> {
  const section = editor.workspace.getConfiguration('semcache');
  const overridden = Object.entries(choice).filter(([name, value]) => section.get(name) !== value).map(([name]) => `semcache.${name}`);
  if (overridden.length === 0) return;
  const answer = await editor.window.showWarningMessage(
    `Your choice is kept, but this workspace sets ${overridden.join(' and ')} itself.`,
    'Open Workspace Settings',
  );
  if (answer !== undefined) await editor.commands.executeCommand('workbench.action.openWorkspaceSettings', { query: overridden[0] });
}
