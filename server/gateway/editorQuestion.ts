// What a model of the editor can be asked of a tool's request.
// Owns: which models those are, and what of a request they have no room for.
// Always true: what would change the answer and cannot be asked is refused in words; ids, labels and the provider's own
// tools are left out.

import type { Message, MessagePart, ModelRequest, ToolOffer } from '../protocol/prompt.ts';
import { isBlank, isJson, textOrEmpty, type Reading } from './api.ts';
import { wrapperTags } from './noise.ts';
import { BodyRefused } from './requestBody.ts';

/** Stands before the model's own name, as in the setting `semcache.model`: "editor:copilot/gpt-4o". */
export const editorPrefix = 'editor:';

/** The editor's name of the model that a tool asks for; null for a model of a provider. */
export function editorModelIn(model: string): string | null {
  return model.startsWith(editorPrefix) ? model.slice(editorPrefix.length) : null;
}

/** Parameters that the editor passes on to its models; each takes those it knows. */
const passedOn = ['temperature', 'top_p', 'max_tokens', 'stop', 'seed', 'frequency_penalty', 'presence_penalty'] as const;

/** @throws BodyRefused 400: what the model cannot be asked */
export function questionForEditor({ asked, bypass }: Reading, model: string): ModelRequest {
  if (asked === undefined || bypass !== undefined) throw refused(bypass ?? 'it is not a conversation');
  const { parameters, tools } = asked;
  if (wantsJson(parameters)) throw refused('it wants JSON of a given form');
  const offered = toolsAsked(tools.flatMap(functionTool), parameters['tool_choice']);
  return {
    model,
    parameters: {
      ...Object.fromEntries(passedOn.filter(name => name in parameters).map(name => [name, parameters[name]])),
      ...(offered.required ? { tool_choice: 'required' } : {}),
    },
    messages: asked.messages.map(messageForEditor).filter(({ parts }) => parts.length > 0),
    tools: offered.tools,
  };
}

function refused(why: string): BodyRefused {
  return new BodyRefused(400, `A model of the editor cannot be asked this: ${why}. Ask for a provider's model, or leave that out.`);
}

/** `response_format` of chat, `text.format` of responses, `output_config.format` and `output_format` of messages. */
function wantsJson({ response_format, text, output_config, output_format }: Record<string, unknown>): boolean {
  const forms = [response_format, isJson(text) ? text['format'] : null, isJson(output_config) ? output_config['format'] : null, output_format];
  return forms.some(form => isJson(form) && form['type'] !== 'text');
}

function messageForEditor({ role, parts }: Message): Message {
  return { role, parts: parts.flatMap(partForEditor) };
}

function partForEditor(part: MessagePart): MessagePart[] {
  if (part.type === 'data' && part.mimeType.endsWith(' block')) throw refused(`it holds an ${part.mimeType}`);
  if (part.type === 'tool-result') part.parts.forEach(partForEditor);
  if (part.type !== 'text') return [part];
  // What a model thought and who is called what: notes of the API beside the text.
  const isNote = part.kind === 'wrapper' && !(wrapperTags as readonly string[]).includes(part.name ?? '');
  return isNote || part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }];
}

/** None for a tool that only the provider could run. */
function functionTool(tool: ToolOffer): ToolOffer[] {
  const { inputSchema, ...named } = tool;
  if (!isJson(inputSchema) || !('schema' in inputSchema)) return [tool];
  // A tool that says more than name, description and schema: see toolOffer() in blocks.ts.
  if (!isJson(inputSchema['schema']) || 'type' in inputSchema || 'function' in inputSchema) return [];
  return [{ ...named, inputSchema: inputSchema['schema'] }];
}

/** `tool_choice` as the three APIs write it: a word, or an object with a type and perhaps the name of one tool. */
function toolsAsked(tools: ToolOffer[], choice: unknown): { tools: ToolOffer[]; required: boolean } {
  const [word, named] = isJson(choice)
    ? [textOrEmpty(choice['type']), textOrEmpty(choice['name']) || textOrEmpty(isJson(choice['function']) ? choice['function']['name'] : '')]
    : [textOrEmpty(choice), ''];
  if (word === 'none') return { tools: [], required: false };
  const taken = named === '' ? tools : tools.filter(({ name }) => name === named);
  return { tools: taken, required: !isBlank(taken) && (named !== '' || word === 'required' || word === 'any') };
}
