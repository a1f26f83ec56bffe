/** Calls `attempt` until it succeeds, waiting twice as long after each failure. */
export async function retry<T>(attempt: () => Promise<T>, times = 4, waitMs = 100): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (failures === times) throw error;
      await new Promise(resolve => setTimeout(resolve, waitMs * 2 ** (failures - 1)));
    }
  }
}
