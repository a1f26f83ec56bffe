// /v1/embeddings by the local model, for those who ask for it by name. Other models are passed on.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorCodes, messageOf, SemcacheError } from '../protocol/errors.ts';
import { textOrEmpty, type Json } from './api.ts';
import type { GatewayParts } from './gatewayParts.ts';
import type { ModelLists } from './modelLists.ts';
import { openAiError } from './openAiError.ts';
import { passThrough } from './passThrough.ts';
import { sendJson } from './reply.ts';
import { BodyRefused, parseBody, readBody } from './requestBody.ts';

export const localModelName = 'all-MiniLM-L6-v2';
/** As OpenAI allows. */
const maxInputs = 2048;

export async function embeddingsRoute({ parts, lists }: { parts: GatewayParts; lists: ModelLists }, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  outgoing.once('close', onClose);
  try {
    const bytes = await readBody(incoming);
    const { json } = await parseBody(bytes, incoming.headers['content-encoding']);
    const local = textOrEmpty(json['model']).replace(/^.*\//, '') === localModelName ? parts.localEmbedder() : null;
    if (local === null) {
      outgoing.off('close', onClose);
      return await passThrough({ parts, lists }, incoming, outgoing, bytes);
    }
    const texts = inputsOf(json);
    const vectors = await local.embed(texts, gone.signal);
    sendJson(outgoing, 200, embeddingList(texts, vectors, json['encoding_format'] === 'base64'), { 'x-semcache-status': 'bypass', 'x-semcache-reason': 'Made by the local model.' });
  } catch (error) {
    if (gone.signal.aborted) return;
    const status = error instanceof BodyRefused ? error.status : error instanceof SemcacheError ? errorCodes[error.code] : 500;
    sendJson(outgoing, status, openAiError(status, status === 500 && !(error instanceof SemcacheError) ? 'The gateway failed.' : messageOf(error)));
  }
}

function inputsOf({ input }: Json): string[] {
  const texts = typeof input === 'string' ? [input] : input;
  const fits = Array.isArray(texts) && texts.length > 0 && texts.length <= maxInputs && texts.every(text => typeof text === 'string');
  if (fits) return texts as string[];
  throw new BodyRefused(400, `"input" must be a text or a list of 1 to ${maxInputs} texts for ${localModelName}; token numbers are of another model.`);
}

function embeddingList(texts: string[], vectors: Float32Array[], asBase64: boolean): Json {
  const tokens = Math.ceil(texts.reduce((sum, text) => sum + text.length, 0) / 4);
  return {
    object: 'list',
    model: localModelName,
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: asBase64 ? Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64') : [...vector],
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

