// What each AI tool needs to use the gateway, ready to paste. Tried with the versions that README names.
// Does not know: VS Code; where the gateway is. Always true: nothing is left to fill in but a model's name.

export interface GatewayAddress {
  /** Without /v1. */
  url: string;
  token: string;
  /** A model that the gateway has a provider for; "MODEL" where none is known. */
  model: string;
}

export interface Tool {
  name: string;
  /** What it is, or what to do with the configuration. */
  hint: string;
  /** Which API it asks. */
  wire: 'chat' | 'messages' | 'responses';
  /** Of the configuration, for the editor's colours. */
  language: string;
  configuration(gateway: GatewayAddress): string;
  /** Below the home folder. Where it is absent, the configuration is no file of its own. */
  file?: string;
  /** The file with this in it; absent: only a file that is not there yet is written. */
  merged?(existing: string, gateway: GatewayAddress): string;
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function claudeEnvironment({ url, token, model }: GatewayAddress): Record<string, string> {
  return { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: token, ...(model === 'MODEL' ? {} : { ANTHROPIC_MODEL: model }) };
}

export const tools: readonly Tool[] = [
  {
    name: 'Claude Code',
    hint: 'settings.json of Claude Code',
    wire: 'messages',
    language: 'json',
    file: '.claude/settings.json',
    configuration: gateway => json({ env: claudeEnvironment(gateway) }),
    merged(existing, gateway) {
      const settings = JSON.parse(existing) as { env?: Record<string, string> };
      return json({ ...settings, env: { ...settings.env, ...claudeEnvironment(gateway) } });
    },
  },
  {
    name: 'Codex',
    hint: 'config.toml of Codex; set SEMCACHE_TOKEN in its environment',
    wire: 'responses',
    language: 'toml',
    file: '.codex/config.toml',
    configuration: ({ url, token, model }) =>
      [
        `# export SEMCACHE_TOKEN=${token}`, `model = "${model}"`, 'model_provider = "semcache"', '', '[model_providers.semcache]', 'name = "Semcache"',
        `base_url = "${url}/v1"`, 'env_key = "SEMCACHE_TOKEN"', 'wire_api = "responses"', '',
      ].join('\n'),
  },
  {
    name: 'Aider',
    hint: 'a command in the terminal',
    wire: 'chat',
    language: 'shellscript',
    configuration: ({ url, token, model }) => `OPENAI_API_BASE=${url}/v1 OPENAI_API_KEY=${token} aider --model openai/${model}\n`,
  },
  {
    name: 'Continue',
    hint: 'config.yaml of Continue',
    wire: 'chat',
    language: 'yaml',
    file: '.continue/config.yaml',
    configuration: ({ url, token, model }) =>
      [
        'name: Semcache', 'version: 0.0.1', 'schema: v1', 'models:', `  - name: ${model} through Semcache`, '    provider: openai', `    model: ${model}`,
        `    apiBase: ${url}/v1`, `    apiKey: ${token}`, '    roles: [chat, edit, apply]', '',
      ].join('\n'),
  },
  {
    name: 'Roo Code',
    hint: 'fields of its provider "OpenAI Compatible"',
    wire: 'chat',
    language: 'yaml',
    configuration: ({ url, token, model }) => `Base URL: ${url}/v1\nAPI Key: ${token}\nModel: ${model}\n`,
  },
  {
    name: 'Cline',
    hint: 'a command in the terminal, or the same in its settings',
    wire: 'chat',
    language: 'shellscript',
    configuration: ({ url, token, model }) => `cline auth -p openai -k ${token} -b ${url}/v1 -m ${model}\n`,
  },
  {
    name: 'Zed',
    hint: 'settings.json of Zed; it asks for the token as the API key',
    wire: 'chat',
    language: 'json',
    configuration: ({ url, model }) =>
      json({ language_models: { openai_compatible: { Semcache: { api_url: `${url}/v1`, available_models: [{ name: model, display_name: model, max_tokens: 128_000 }] } } } }),
  },
  {
    name: 'VS Code custom endpoint',
    hint: 'chatLanguageModels.json (Chat: Manage Language Models…)',
    wire: 'chat',
    language: 'json',
    configuration: ({ url, token, model }) =>
      json([{
        name: 'Semcache', vendor: 'customendpoint', apiKey: token, apiType: 'chat-completions',
        models: [{ id: model, name: `${model} through Semcache`, url: `${url}/v1/chat/completions`, toolCalling: true, vision: true, maxInputTokens: 128_000, maxOutputTokens: 16_000 }],
      }]),
  },
  {
    name: 'OpenAI SDK for Python',
    hint: 'pip install openai',
    wire: 'chat',
    language: 'python',
    configuration: ({ url, token }) => `from openai import OpenAI\n\nclient = OpenAI(base_url="${url}/v1", api_key="${token}")\n`,
  },
  {
    name: 'OpenAI SDK for JavaScript',
    hint: 'npm install openai',
    wire: 'chat',
    language: 'javascript',
    configuration: ({ url, token }) => `import OpenAI from 'openai';\n\nconst client = new OpenAI({ baseURL: '${url}/v1', apiKey: '${token}' });\n`,
  },
  {
    name: 'Anthropic SDK',
    hint: 'Python; in JavaScript the same with baseURL and apiKey',
    wire: 'messages',
    language: 'python',
    configuration: ({ url, token }) => `from anthropic import Anthropic\n\nclient = Anthropic(base_url="${url}", api_key="${token}")\n`,
  },
  {
    name: 'LangChain',
    hint: 'pip install langchain-openai',
    wire: 'chat',
    language: 'python',
    configuration: ({ url, token, model }) => `from langchain_openai import ChatOpenAI\n\nllm = ChatOpenAI(base_url="${url}/v1", api_key="${token}", model="${model}")\n`,
  },
  {
    name: 'LiteLLM',
    hint: 'pip install litellm',
    wire: 'chat',
    language: 'python',
    configuration: ({ url, token, model }) => `import litellm\n\nlitellm.completion(model="openai/${model}", api_base="${url}/v1", api_key="${token}", messages=[{"role": "user", "content": "Hello"}])\n`,
  },
  {
    name: 'curl',
    hint: 'a command in the terminal',
    wire: 'chat',
    language: 'shellscript',
    configuration: ({ url, token, model }) =>
      `curl ${url}/v1/chat/completions -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })}'\n`,
  },
];

/** Tools that a person may look for in vain, and why. */
export const unsupportedTools: ReadonlyArray<{ name: string; why: string }> = [
  { name: 'Cursor', why: 'Cursor\'s own servers ask the model, and they cannot reach this machine.' },
];
