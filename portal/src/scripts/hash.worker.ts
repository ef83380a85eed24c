import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

export type HashMessage = { done: number } | { sha256: string } | { error: string }

/** Above this a file is hashed piece by piece, so that it never lies in memory as a whole. */
const WHOLE = 32 * 1024 * 1024

const post = (message: HashMessage) => self.postMessage(message)

self.onmessage = async ({ data: file }: MessageEvent<File>) => {
  try {
    post({ sha256: await hash(file) })
  } catch (error) {
    post({ error: String(error) })
  }
}

async function hash(file: File): Promise<string> {
  // The browser's own is fastest; it takes whole files only, and exists on secure origins only.
  if (file.size <= WHOLE && self.crypto.subtle)
    return bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer())))
  const state = sha256.create()
  const reader = file.stream().getReader()
  let done = 0
  for (;;) {
    const { value, done: end } = await reader.read()
    if (end) return bytesToHex(state.digest())
    state.update(value)
    done += value.length
    post({ done })
  }
}
