// JSON with sorted keys: equal values have equal text whatever program wrote them.

import { configure } from 'safe-stable-stringify';

const stringify = configure({ bigint: false, circularValue: Error });

export function canonicalJson(value: unknown): string {
  return stringify(value) ?? 'null';
}
