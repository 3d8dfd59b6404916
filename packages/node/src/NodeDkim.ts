/** The hash of DKIM signatures by OpenSSL, several times faster than core's own. */
import * as Dkim from "@colloquy/core/Dkim"
import * as Layer from "effect/Layer"
import { createHash } from "node:crypto"

export const layer: Layer.Layer<never> = Layer.succeed(Dkim.Hasher, () => {
  const hash = createHash("sha256")
  return { update: (bytes) => void hash.update(bytes), digest: () => new Uint8Array(hash.digest()) }
})
