// A model that the editor has, as Copilot's would be: one model of the vendor "test-models", with tools and pictures.
// It calls the first tool that it is offered, unless a result is there already, and otherwise numbers its answers.

const vscode = require('vscode');

const asked = [];

exports.registerModel = () =>
  vscode.lm.registerLanguageModelChatProvider('test-models', {
    provideLanguageModelChatInformation: () => [
      {
        id: 'test/one', name: 'Test One', family: 'test', version: '1', maxInputTokens: 8000, maxOutputTokens: 1000,
        capabilities: { toolCalling: true, imageInput: true },
      },
    ],
    async provideLanguageModelChatResponse(_model, messages, options, progress) {
      asked.push(messages.map(({ role, content }) => ({ role, content: content.map(describe) })));
      const tool = options.tools?.[0];
      const hasResult = messages.some(({ content }) => content.some(part => part instanceof vscode.LanguageModelToolResultPart));
      if (tool && !hasResult) progress.report(new vscode.LanguageModelToolCallPart(`call-${asked.length}`, tool.name, { at: asked.length }));
      else for (const word of ['Answer ', `${asked.length}`, ' of Test One.']) progress.report(new vscode.LanguageModelTextPart(word));
    },
    provideTokenCount: async () => 7,
  });

/** What the model was given, one row a request. */
exports.modelWasAsked = async () => asked;

/**
 * Sends a whole conversation to a model: messages of { role: 'user' | 'assistant', parts }, parts of { text },
 * { toolCall, callId, input }, { toolResult, callId } or { data, mimeType } with base64 data.
 */
exports.converse = async ({ selector, messages, tools, required }) => {
  const [model] = await vscode.lm.selectChatModels(selector);
  const make = { user: vscode.LanguageModelChatMessage.User, assistant: vscode.LanguageModelChatMessage.Assistant };
  const toolMode = required ? vscode.LanguageModelChatToolMode.Required : vscode.LanguageModelChatToolMode.Auto;
  const response = await model.sendRequest(messages.map(({ role, parts }) => make[role](parts.map(fromJson))), { tools, toolMode });
  const answer = [];
  for await (const part of response.stream) answer.push(describe(part));
  return answer;
};

function fromJson(part) {
  if (part.toolCall) return new vscode.LanguageModelToolCallPart(part.callId, part.toolCall, part.input);
  if (part.toolResult) return new vscode.LanguageModelToolResultPart(part.callId, [new vscode.LanguageModelTextPart(part.toolResult)]);
  if (part.mimeType) return new vscode.LanguageModelDataPart(Buffer.from(part.data, 'base64'), part.mimeType);
  return new vscode.LanguageModelTextPart(part.text);
}

function describe(part) {
  if (part instanceof vscode.LanguageModelToolCallPart) return { toolCall: part.name, callId: part.callId, input: part.input };
  if (part instanceof vscode.LanguageModelToolResultPart) return { toolResult: part.content.map(({ value }) => value).join(''), callId: part.callId };
  if (part instanceof vscode.LanguageModelDataPart) return { mimeType: part.mimeType, bytes: part.data.length };
  return { text: part.value };
}
