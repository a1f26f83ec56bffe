// One request to a model, and the two halves the cache makes of it.
// Owns: the shapes every route fills in. Does not know: how a request is split (cache/promptFromRequest.ts).

/** What a text part is. Untagged text of the last user message is what the person typed; a tagged text is context. */
export type TextKind = 'selection' | 'file' | 'diagnostics' | 'terminal' | 'language' | 'wrapper';

export type MessagePart =
  | { type: 'text'; text: string; kind?: TextKind; name?: string }
  | { type: 'data'; mimeType: string; base64: string }
  | { type: 'tool-call'; callId: string; name: string; input: unknown }
  | { type: 'tool-result'; callId: string; parts: MessagePart[] };

export interface Message {
  role: 'system' | 'user' | 'assistant';
  parts: MessagePart[];
}

export interface ToolOffer {
  name: string;
  description?: string;
  inputSchema?: unknown;
}

/** A whole request, as a route received it and as an upstream is asked. */
export interface ModelRequest {
  /** The upstream's own id of the model. */
  model: string;
  /** Invocation parameters that change the answer (temperature, max tokens …), by their usual names. */
  parameters: Record<string, unknown>;
  messages: Message[];
  tools: ToolOffer[];
}

/** One thing beside the instruction that the answer depends on. Compared exactly; named, so that a difference can be told. */
export interface ContextPart {
  kind: 'system' | 'turn' | 'code' | 'trace' | 'data' | 'tools' | TextKind;
  /** What a person would call it: a path, "turn 2", "fenced code 1". */
  name: string;
  text: string;
}

/** A request, split: the instruction may match by meaning, the context and llmString must be equal. */
export interface Prompt {
  instruction: string;
  context: ContextPart[];
  /** Model and invocation parameters as one canonical string: LangChain's llm_string. */
  llmString: string;
  /** Set when only an identical prompt may be served: why (images, tool results in the history, no instruction). */
  exactOnly?: string;
}

/** The model and parameters of an llmString as semcache makes them; null for one that another program made. */
export function invocationOf(llmString: string): Pick<ModelRequest, 'model' | 'parameters'> | null {
  try {
    const { model, parameters } = JSON.parse(llmString) as { model?: unknown; parameters?: unknown };
    if (typeof model !== 'string' || typeof parameters !== 'object' || parameters === null) return null;
    return { model, parameters: parameters as Record<string, unknown> };
  } catch {
    return null;
  }
}

/** The ways by which prompts come in. */
export type Route = 'command' | 'participant' | 'model-provider' | 'gateway' | 'cli';
