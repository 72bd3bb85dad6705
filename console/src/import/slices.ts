const sliceMs = 8

type Scheduler = { yield?: () => Promise<void> }

/**
 * Rests after every 8 ms of work, so that the page stays responsive. Chunks of a Blob arrive as microtasks, which alone
 * would block it. @throws the reason of `signal` if it is aborted
 */
export function openSlices(signal?: AbortSignal): () => Promise<void> {
  let since = performance.now()
  return async () => {
    signal?.throwIfAborted()
    if (performance.now() - since < sliceMs) return
    await rest()
    since = performance.now()
  }
}

function rest(): Promise<void> {
  const { scheduler } = globalThis as { scheduler?: Scheduler }
  if (scheduler?.yield) return scheduler.yield()
  // A timer would wait for 4 ms.
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.addEventListener('message', () => {
      port1.close()
      resolve()
    })
    port1.start()
    port2.postMessage(undefined)
  })
}
