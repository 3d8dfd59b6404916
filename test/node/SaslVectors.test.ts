import * as Sasl from "@colloquy/core/Sasl"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Crypto from "node:crypto"
import { converse, defaults, rfcVectors, secret } from "../core/saslVectors.ts"

rfcVectors("Node's crypto", NodeCrypto.layer)

/** RFC 5802 §3 by OpenSSL alone: there is no RFC with an example for SHA-512. */
const proofAndSignature = (hash: string, length: number, authMessage: string) => {
  const hmac = (key: Uint8Array, data: string | Uint8Array) => Crypto.createHmac(hash, key).update(data).digest()
  const salted = Crypto.pbkdf2Sync("pencil", Buffer.from("QSXCR+Q6sek8bf92", "base64"), 4_096, length, hash)
  const clientKey = hmac(salted, "Client Key")
  const clientSignature = hmac(Crypto.createHash(hash).update(clientKey).digest(), authMessage)
  return {
    proof: Buffer.from(clientKey.map((octet, i) => octet ^ (clientSignature[i] ?? 0))).toString("base64"),
    signature: hmac(hmac(salted, "Server Key"), authMessage).toString("base64")
  }
}

describe("SCRAM, with OpenSSL as a witness", () => {
  const user = { user: "user", password: secret("pencil") }
  const channelBinding = Uint8Array.from({ length: 32 }, (_, i) => 255 - i)
  const bound = Buffer.concat([Buffer.from("p=tls-exporter,,"), channelBinding]).toString("base64")
  it.effect.each([
    { hash: "sha1", length: 20, mechanism: Sasl.scramSha1(user), gs2: "n,,", c: "biws" },
    { hash: "sha256", length: 32, mechanism: Sasl.scramSha256(user), gs2: "n,,", c: "biws" },
    { hash: "sha512", length: 64, mechanism: Sasl.scramSha512(user), gs2: "n,,", c: "biws" },
    { hash: "sha1", length: 20, mechanism: Sasl.scramSha1Plus(user), gs2: "p=tls-exporter,,", c: bound },
    { hash: "sha256", length: 32, mechanism: Sasl.scramSha256Plus(user), gs2: "p=tls-exporter,,", c: bound },
    { hash: "sha512", length: 64, mechanism: Sasl.scramSha512Plus(user), gs2: "p=tls-exporter,,", c: bound }
  ])(
    "$mechanism.name proves the same, and takes the same signature",
    ({ c, gs2, hash, length, mechanism }) =>
      Effect.gen(function*() {
        const clientFirst = `n=user,r=${defaults.nonce}`
        const serverFirst = `r=${defaults.nonce}3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096`
        const withoutProof = `c=${c},r=${defaults.nonce}3rfcNHYJY1ZVvWVs7j`
        const expected = proofAndSignature(hash, length, `${clientFirst},${serverFirst},${withoutProof}`)
        assert.deepStrictEqual(
          yield* converse(mechanism, [serverFirst, `v=${expected.signature}`], {
            ...(gs2 === "n,," ? undefined : { channelBinding })
          }),
          {
            turns: [
              { says: gs2 + clientFirst },
              { says: `${withoutProof},p=${expected.proof}` },
              { says: "", secretChallenge: true }
            ],
            complete: true
          }
        )
      }).pipe(Effect.provide(NodeCrypto.layer))
  )
})
