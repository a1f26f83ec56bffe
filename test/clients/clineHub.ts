// The daemon that Cline's command line leaves behind in each home.

import path from 'node:path';
import { agentVersions, npmClient } from '../gateway/clients/clientTools.ts';
import { askCommandLine } from '../gateway/clients/commandLineContract.ts';

/** Ends it, and the next one where an ask that was about to end has just started it. */
export async function stopClineHub(home: string): Promise<void> {
  const file = path.join(await npmClient(`cline@${agentVersions.cline}`), 'cline');
  for (let stopped = true, tries = 0; stopped && tries < 3; tries += 1) {
    const { said } = await askCommandLine({ file, args: ['hub', 'stop'], env: { HOME: home } }, home);
    stopped = said.includes('"stopped":true');
  }
}
