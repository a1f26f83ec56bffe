// Which models of an editor are lent to other tools.
// Always true: none that may lead back to Semcache. A prompt through it would come in again while its answer is waited for.

/** Ours, and the editor's own endpoints: the editor does not tell their addresses, and the gateway's may be among them. */
const vendorsThatMayBeUs: ReadonlySet<string> = new Set(['semcache', 'customendpoint', 'customoai']);

/** `model` is "vendor/id". An id that begins with "editor:" was listed by a gateway. */
export function mayLeadBack(model: string): boolean {
  const slash = model.indexOf('/');
  return vendorsThatMayBeUs.has(model.slice(0, slash)) || model.startsWith('editor:', slash + 1);
}
