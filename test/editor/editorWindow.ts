// One window of VS Code, as a person uses it: commands, files, documents, pictures.
// Owns: the workbench's DOM selectors, which are VS Code's own business and fit one version of it.
// Does not know: Semcache.

import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from 'playwright-core';

const screenshots = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));

export interface OpenDocument {
  uri: string;
  language: string;
  dirty: boolean;
  text: string;
}

export class EditorWindow {
  readonly page: Page;
  readonly #bridgeFile: string;

  /** `bridgeFile` is where the other extension writes its port. */
  constructor(page: Page, bridgeFile: string) {
    this.page = page;
    this.#bridgeFile = bridgeFile;
  }

  /** Runs a command by its whole title, from the palette. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.quickInput.fill(`>${title}`);
    const label = this.page.locator('.label-name', { hasText: new RegExp(`^${title.replace(/[.?*+()[\]]/g, '\\$&')}$`) });
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ has: label }).first().click();
  }

  /** Fills the input box that a command has opened and presses Enter. */
  async typeIntoInputBox(text: string): Promise<void> {
    await poll('an input box is open', async () => !(await this.quickInput.inputValue()).startsWith('>'));
    await this.quickInput.fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** The same once the person sees what they typed, and the milliseconds from Enter until one editor has drawn all of `wanted`, to a frame. */
  async timeFromEnter(text: string, wanted: string[]): Promise<number> {
    await poll('an input box is open', async () => !(await this.quickInput.inputValue()).startsWith('>'));
    await this.quickInput.fill(text);
    await this.quickPick(text).waitFor();
    await this.page.evaluate('new Promise(resolve => requestIdleCallback(resolve))');
    await this.page.evaluate(`
      globalThis.timeFromEnter = new Promise(resolve => {
        addEventListener('keydown', () => {
          const begun = performance.now();
          const drawn = lines => ${JSON.stringify(wanted)}.every(each => lines.textContent.replaceAll('\\u00a0', ' ').includes(each));
          const look = () => {
            if ([...document.querySelectorAll('.monaco-editor .view-lines')].some(drawn)) resolve(performance.now() - begun);
            else requestAnimationFrame(look);
          };
          look();
        }, { capture: true, once: true });
      });
      null; // The evaluation would otherwise wait for the promise.
    `);
    await this.page.keyboard.press('Enter');
    return this.page.evaluate<number>('globalThis.timeFromEnter');
  }

  /** The text field of the palette, of an input box and of a quick pick: VS Code shows one at a time. */
  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible input.input');
  }

  /** The first row of the open quick pick that holds this text. */
  quickPick(text: string): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text }).first();
  }

  /** What "Running Extensions" says that loading and activating it took. The window must be high enough for all of its rows. */
  async activationMs(extension: string): Promise<number> {
    await this.command('Developer: Show Running Extensions');
    const list = this.page.locator('.runtime-extensions-editor');
    const text = await list.locator('.extension').filter({ hasText: extension }).first().locator('.activation-time').innerText();
    await this.page.keyboard.press('Escape');
    await list.waitFor({ state: 'hidden' });
    const milliseconds = /(\d+)\s?ms/.exec(text)?.[1];
    if (milliseconds === undefined) throw new Error(`VS Code tells no activation time of ${extension}: ${text}`);
    return Number(milliseconds);
  }

  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    await this.quickInput.fill(name);
    await this.quickPick(name).click();
    await this.tab(name).waitFor();
    await poll(`${name} is in the active editor`, async () => (await this.bridge<string | null>('active'))?.endsWith(`/${name}`));
  }

  /** Selects whole lines of the active editor, counted from 0, both included. */
  async select(line: number, endLine: number): Promise<void> {
    await this.bridge('select', { line, endLine });
    await this.statusItem(`Ln ${endLine + 1}, Col`).waitFor();
  }

  tab(name: string): Locator {
    return this.page.locator('.tab').filter({ hasText: name }).first();
  }

  /** The editor that has the focus, or had it last. */
  get editor(): Locator {
    return this.page.locator('.editor-group-container.active .monaco-editor').first();
  }

  /** A link that stands above a line of an editor. */
  lens(title: string): Locator {
    return this.page.locator('.codelens-decoration a').filter({ hasText: title }).first();
  }

  statusItem(text: string | RegExp): Locator {
    return this.page.locator('.part.statusbar .statusbar-item').filter({ hasText: text });
  }

  /** Moves the mouse onto a status bar item and resolves to its tooltip. */
  async hoverStatusItem(text: string | RegExp): Promise<Locator> {
    await this.statusItem(text).hover();
    await this.hover.first().waitFor();
    return this.hover.first();
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item, .notifications-center .notification-list-item').filter({ hasText: text });
  }

  get dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  get hover(): Locator {
    return this.page.locator('.monaco-hover:not(.hidden):visible');
  }

  /** Text that decorations put behind the lines, as it is drawn. */
  async decorationTexts(): Promise<string[]> {
    return this.page.evaluate<string[]>(`
      [...document.querySelectorAll('.monaco-editor .view-line span')]
        .map(element => getComputedStyle(element, '::after').content)
        .filter(content => content !== 'none' && content !== 'normal')
        .map(content => content.replace(/^"|"$/g, '').replaceAll('\\u00a0', ' ').trim())
    `);
  }

  /** Moves the mouse onto a decoration's text until its hover shows, and resolves to the hover. */
  async hoverDecoration(text: string): Promise<Locator> {
    return poll(`the hover of “${text}”`, async () => {
      const place = await this.page.evaluate<{ x: number; y: number } | null>(`(() => {
        const span = [...document.querySelectorAll('.monaco-editor .view-line span')].find(element =>
          getComputedStyle(element, '::after').content.replaceAll('\\u00a0', ' ').includes(${JSON.stringify(text)}));
        if (!span) return null;
        const box = span.getBoundingClientRect();
        return { x: box.left + 80, y: box.top + box.height / 2 };
      })()`);
      if (!place) return null;
      await this.page.mouse.move(place.x - 40, place.y);
      await this.page.mouse.move(place.x, place.y, { steps: 3 });
      await this.hover.first().waitFor({ timeout: 3000 });
      return this.hover.first();
    });
  }

  /** Opens the chat view if need be and sends this. */
  async typeIntoChat(text: string): Promise<void> {
    const input = this.page.locator('.interactive-session .chat-input-container .monaco-editor').first();
    if (!(await input.isVisible())) await this.command('Chat: Open Chat');
    await input.click();
    await this.page.keyboard.press('Control+A'); // A sticky participant stands there already.
    await this.page.keyboard.type(text, { delay: 10 });
    await this.page.keyboard.press('Escape'); // Closes the suggestions that "@" has opened.
    await this.page.keyboard.press('Enter');
  }

  /** Begins a new chat in the chat view. */
  async newChat(): Promise<void> {
    await this.page.locator('.part.auxiliarybar [aria-label^="New Chat"]').first().click();
    await poll('the chat view is empty', async () => (await this.chatReplies.count()) === 0);
  }

  /** The replies of the chat that is shown. */
  get chatReplies(): Locator {
    return this.page.locator('.interactive-session .interactive-response');
  }

  /** Number of the last question or reply in the chat, from 0; -1 in an empty one. Those that are out of sight are not in the DOM. */
  async lastInChat(): Promise<number> {
    return this.page.evaluate<number>(`
      Math.max(-1, ...[...document.querySelectorAll('.interactive-session .monaco-list-row')].map(row => Number(row.dataset.index)))
    `);
  }

  /** The text of the last reply, once it is whole. */
  async lastChatReply(): Promise<string> {
    return poll('the last reply is whole', async () => {
      const reply = this.chatReplies.last();
      const before = await reply.innerText();
      await sleep(300);
      const loading = /chat-response-loading/.test((await reply.getAttribute('class')) ?? '');
      return !loading && before === (await reply.innerText()) ? before : null;
    });
  }

  /** All documents that the editor holds, whole. */
  documents(): Promise<OpenDocument[]> {
    return this.bridge('documents');
  }

  /** Calls a verb of the other extension. @throws what the editor's API threw, with its name and code. */
  async bridge<Result>(verb: string, parameters: object = {}): Promise<Result> {
    const port = await poll('the other extension is active', () => readFileSync(this.#bridgeFile, 'utf8'));
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify({ verb, ...parameters }) });
    const { value, error } = (await response.json()) as { value: Result; error?: { name: string; code?: string; message: string } };
    if (error) throw Object.assign(new Error(error.message), { name: error.name, code: error.code });
    return value;
  }

  /** Kept in build/screenshots. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(screenshots, { recursive: true });
    await this.page.screenshot({ path: path.join(screenshots, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** The first result that is neither null, undefined, false nor an exception. @throws after the deadline, with the last of them. */
export async function poll<Result>(
  what: string,
  look: () => Result | Promise<Result>,
  timeoutMs = 30_000,
): Promise<NonNullable<Exclude<Result, false>>> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    let last: unknown;
    try {
      const result = await look();
      if (result !== null && result !== undefined && result !== false) return result as NonNullable<Exclude<Result, false>>;
      last = result;
    } catch (error) {
      last = error;
    }
    if (performance.now() > giveUpAt) throw new Error(`Not within ${timeoutMs} ms: ${what}.`, { cause: last });
    await sleep(50);
  }
}
