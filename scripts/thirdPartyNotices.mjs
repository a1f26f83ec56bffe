// Names and licences of the packages whose code is in the bundles.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * The text of THIRD-PARTY-NOTICES.txt, by name.
 *
 * `inputs`: paths of all bundled files, relative to `root`; `also`: packages that are shipped without being bundled.
 */
export async function thirdPartyNotices(root, inputs, also) {
  const folders = new Set(also.map(name => path.join('node_modules', name)));
  for (const input of inputs) {
    const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    if (folder) folders.add(folder);
  }
  const notices = await Promise.all([...folders].sort().map(folder => noticeOf(path.join(root, folder))));
  return `Semcache contains code of these packages.\n\n${notices.join('\n')}`;
}

async function noticeOf(folder) {
  const { name, version, license, repository } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const file = (await readdir(folder)).find(each => /^(licen[cs]e|copying)/i.test(each));
  const text = file ? (await readFile(path.join(folder, file), 'utf8')).trim() : `The package carries no licence file of its own; see ${repository?.url ?? repository}.`;
  return `${'='.repeat(80)}\n${name} ${version} (${license})\n${'-'.repeat(80)}\n${text}\n`;
}
