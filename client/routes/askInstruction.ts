// Asks the person for an instruction, with the earlier ones at hand.

import type * as vscode from 'vscode';

const keptInstructions = 30;
const historyKey = 'semcache.instructions';

/** Newest first; kept with the workspace, on this machine. */
export class InstructionHistory {
  readonly #memento: Pick<vscode.Memento, 'get' | 'update'>;

  constructor(memento: Pick<vscode.Memento, 'get' | 'update'>) {
    this.#memento = memento;
  }

  all(): string[] {
    return this.#memento.get<string[]>(historyKey, []);
  }

  async add(instruction: string): Promise<void> {
    const others = this.all().filter(each => each !== instruction);
    await this.#memento.update(historyKey, [instruction, ...others].slice(0, keptInstructions));
  }
}

/** To close the box takes the editor two frames; a hit is there sooner, and is drawn before it. */
const closeAfterMs = 40;

type HistoryItem = vscode.QuickPickItem & { instruction?: string };

/**
 * Resolves to what was typed or picked; undefined if the person left. While nothing is typed the list holds earlier
 * instructions; as soon as something is typed Enter always means that text.
 */
export function askInstruction(
  editor: Pick<typeof vscode, 'window' | 'ThemeIcon'>,
  view: { title: string; placeholder: string; history: readonly string[] },
): Promise<string | undefined> {
  const input = editor.window.createQuickPick<HistoryItem>();
  const toInput: vscode.QuickInputButton = { iconPath: new editor.ThemeIcon('edit'), tooltip: 'Change before asking' };
  const earlier = view.history.map(instruction => ({
    label: `$(history) ${instruction.replace(/\s+/g, ' ')}`,
    instruction,
    buttons: [toInput],
  }));
  const itemsFor = (typed: string): HistoryItem[] =>
    typed === '' ? earlier : [{ label: typed, description: 'Enter to ask', alwaysShow: true }];

  input.title = view.title;
  input.placeholder = view.placeholder;
  input.items = itemsFor('');
  return new Promise(resolve => {
    input.onDidChangeValue(typed => {
      input.items = itemsFor(typed.trim());
    });
    input.onDidTriggerItemButton(({ item }) => {
      input.value = item.instruction ?? '';
      input.items = itemsFor(input.value);
    });
    input.onDidAccept(() => {
      const typed = input.value.trim();
      const chosen = typed === '' ? input.selectedItems[0]?.instruction : typed;
      if (chosen === undefined) return;
      resolve(chosen);
      setTimeout(() => input.hide(), closeAfterMs);
    });
    input.onDidHide(() => {
      resolve(undefined);
      input.dispose();
    });
    input.show();
  });
}
