// "Browse Cached Answers…": a list that can be searched, for everything that decorations show and for what they cannot.

import type * as vscode from 'vscode';
import type { EntrySummary } from '../../server/protocol/entry.ts';
import { messageOf } from '../../server/protocol/errors.ts';
import { ageText } from './answerStatus.ts';
import { shortened } from './markdownText.ts';
import { numberOf } from './amounts.ts';

const shownEntries = 100;
const searchAfterMs = 120;

export interface PickedEntry {
  entry: EntrySummary;
  what: 'show' | 'edit' | 'delete';
}

type EntryItem = vscode.QuickPickItem & { entry?: EntrySummary };
type List = (search: string, limit: number) => Promise<{ total: number; entries: EntrySummary[] }>;

/** Resolves to the entry that was picked; undefined if the person left. */
export function pickEntry(
  editor: Pick<typeof vscode, 'window' | 'ThemeIcon'>,
  list: List,
  now: () => number,
): Promise<PickedEntry | undefined> {
  const input = editor.window.createQuickPick<EntryItem>();
  const edit: vscode.QuickInputButton = { iconPath: new editor.ThemeIcon('edit'), tooltip: 'Edit cached answer' };
  const remove: vscode.QuickInputButton = { iconPath: new editor.ThemeIcon('trash'), tooltip: 'Delete entry' };
  let newest = 0;
  let timer: NodeJS.Timeout | undefined;

  const search = async (words: string): Promise<void> => {
    const mine = ++newest;
    input.busy = true;
    try {
      const { total, entries } = await list(words, shownEntries);
      if (mine !== newest) return;
      input.title = `${numberOf(total, 'cached answer')}${total > entries.length ? `, the newest ${entries.length} shown` : ''}`;
      input.items = entries.length > 0
        ? entries.map(entry => ({ ...itemOf(entry, now()), entry, buttons: [edit, remove] }))
        : [{ label: words === '' ? 'Nothing is stored yet.' : 'No stored question holds these words.', alwaysShow: true }];
    } catch (error) {
      if (mine === newest) input.items = [{ label: messageOf(error), alwaysShow: true }];
    } finally {
      if (mine === newest) input.busy = false;
    }
  };

  return new Promise(resolve => {
    input.title = 'Cached answers';
    input.placeholder = 'Words of the question';
    input.onDidChangeValue(words => {
      clearTimeout(timer);
      timer = setTimeout(() => void search(words.trim()), searchAfterMs);
    });
    input.onDidTriggerItemButton(({ item, button }) => {
      if (item.entry !== undefined) resolve({ entry: item.entry, what: button === edit ? 'edit' : 'delete' });
      input.hide();
    });
    input.onDidAccept(() => {
      const entry = input.selectedItems[0]?.entry;
      if (entry === undefined) return;
      resolve({ entry, what: 'show' });
      input.hide();
    });
    input.onDidHide(() => {
      clearTimeout(timer);
      resolve(undefined);
      input.dispose();
    });
    input.show();
    void search('');
  });
}

/** The daemon has searched already: the list itself hides nothing. */
export function itemOf(entry: EntrySummary, now: number): vscode.QuickPickItem {
  const hits = entry.hits === 0 ? 'not served yet' : `served ${numberOf(entry.hits, 'time')}`;
  return {
    label: entry.instruction === '' ? '(no question in words)' : shortened(entry.instruction, 120),
    description: `${entry.model} · ${ageText(now - entry.updatedAt)} · ${hits}`,
    detail: shortened(entry.preview, 160),
    alwaysShow: true,
  };
}
