// Keeps out of a run from the sources what transformers.js imports and the tokenizer never uses: its picture library, and the
// native ONNX runtime, which may be loaded once in a process only (see miniLmEmbedder.ts). In the bundle esbuild.mjs does the same.

import { registerHooks } from 'node:module';

/** To be called before transformers.js is imported. */
export function useLeanImports(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const asked = context.parentURL?.includes('/@xenova/transformers/') ?? false;
      const unused = specifier === 'sharp' || specifier === 'onnxruntime-node';
      return nextResolve(asked && unused ? 'onnxruntime-common' : specifier, context);
    },
  });
}
