/**
 * Mechanisms, run: what they say to a server's challenges, and the examples of their RFCs for any platform.
 */
import * as Sasl from "@colloquy/core/Sasl"
import { hmacMd5 } from "@colloquy/core/sasl/cramMd5"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, type Layer, Redacted, Result } from "effect"
import { Base64, Hex } from "effect/encoding"

export const octetsOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export const base64 = (text: string): string => Base64.encode(octetsOf(text))

export const fromBase64 = (text: string): string => Result.getOrThrow(Base64.decodeString(text))

export const secret = (text: string): Sasl.Secret => Redacted.make(text)

export const defaults: Sasl.Context = { nonce: "fyko+d2lbbFgONRv9qkxdawL", host: "server.example.com", port: 143 }

/** All that an error says. (`deepStrictEqual` compares no more of two errors than name and message.) */
export const fieldsOf = (error: Sasl.SaslError) => ({
  mechanism: error.mechanism,
  problem: error.problem,
  kind: error.kind,
  limit: error.limit,
  secretChallenge: error.secretChallenge
})

const noFields = { kind: undefined, limit: undefined, secretChallenge: undefined }

/** What `fieldsOf` gives for an error of these. */
export const saslError = (
  fields: { readonly mechanism: string; readonly problem: string } & Partial<ReturnType<typeof fieldsOf>>
) => ({ ...noFields, ...fields })

/** One turn of a mechanism, in clear: `initial` first, where it has one. */
export interface Turn {
  readonly says: string
  readonly secretChallenge?: true
  readonly public?: true
  readonly failure?: string
}

/** All that a mechanism says to these challenges, and whether it is satisfied then. */
export const converse = Effect.fnUntraced(function*(
  mechanism: Sasl.Mechanism,
  challenges: ReadonlyArray<string | Uint8Array>,
  context?: Partial<Sasl.Context>
) {
  const started = mechanism.start({ ...defaults, ...context })
  const turns: Array<Turn> = started.initial === undefined ? [] : [{ says: Redacted.value(started.initial) }]
  let state = started.state
  for (const challenge of challenges) {
    const step = yield* mechanism.step(state, typeof challenge === "string" ? octetsOf(challenge) : challenge)
    state = step.state
    turns.push({
      says: Redacted.value(step.response),
      ...(step.secretChallenge === true ? { secretChallenge: true } : undefined),
      ...(step.public === true ? { public: true } : undefined),
      ...(step.failure === undefined ? undefined : { failure: step.failure })
    })
  }
  return { turns, complete: mechanism.complete(state) }
})

const hmacHex = (key: Uint8Array, data: Uint8Array) => Effect.map(hmacMd5(key, data), Hex.encode)

const filled = (octet: number, length: number) => new Uint8Array(length).fill(octet)

/** The examples of the RFCs, on the given platform. */
export const rfcVectors = (platform: string, services: Layer.Layer<Sasl.Services>): void => {
  describe(`the examples of the RFCs, on ${platform}`, () => {
    layer(services)((it) => {
      it.effect("CRAM-MD5: RFC 2195 §2", () =>
        Effect.gen(function*() {
          const mechanism = Sasl.cramMd5({ user: "tim", password: secret("tanstaaftanstaaf") })
          const challenge = fromBase64("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")
          assert.deepStrictEqual(yield* converse(mechanism, [challenge]), {
            turns: [{ says: fromBase64("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw") }],
            complete: true
          })
        }))

      it.effect("HMAC-MD5: RFC 2202 §2, keys over a block included, and the empty key", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(
            yield* Effect.all([
              hmacHex(filled(0x0b, 16), octetsOf("Hi There")),
              hmacHex(octetsOf("Jefe"), octetsOf("what do ya want for nothing?")),
              hmacHex(filled(0xaa, 16), filled(0xdd, 50)),
              hmacHex(filled(0xaa, 80), octetsOf("Test Using Larger Than Block-Size Key - Hash Key First")),
              hmacHex(
                filled(0xaa, 80),
                octetsOf("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data")
              ),
              hmacHex(new Uint8Array(), new Uint8Array())
            ]),
            [
              "9294727a3638bb1c13f48ef8158bfc9d",
              "750c783e6ab0b503eaa86e310a5db738",
              "56be34521d144c88dbb8c733f0e8b3f6",
              "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
              "6f630fad67cda0ee1fb1f562db3aa53e",
              "74e6f7298a9c2d168935f58c001bad88"
            ]
          )
        }))

      it.effect("SCRAM-SHA-1: RFC 5802 §5", () =>
        Effect.gen(function*() {
          const mechanism = Sasl.scramSha1({ user: "user", password: secret("pencil") })
          const nonce = "fyko+d2lbbFgONRv9qkxdawL"
          assert.deepStrictEqual(
            yield* converse(mechanism, [
              `r=${nonce}3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096`,
              "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
            ], { nonce }),
            {
              turns: [
                { says: `n,,n=user,r=${nonce}` },
                { says: `c=biws,r=${nonce}3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=` },
                { says: "", secretChallenge: true }
              ],
              complete: true
            }
          )
        }))

      it.effect("SCRAM-SHA-256: RFC 7677 §3", () =>
        Effect.gen(function*() {
          const mechanism = Sasl.scramSha256({ user: "user", password: secret("pencil") })
          const nonce = "rOprNGfwEbeRWgbNEkqO"
          assert.deepStrictEqual(
            yield* converse(mechanism, [
              `r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
              "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
            ], { nonce }),
            {
              turns: [
                { says: `n,,n=user,r=${nonce}` },
                {
                  says: `c=biws,r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`
                },
                { says: "", secretChallenge: true }
              ],
              complete: true
            }
          )
        }))

      it.effect("OAUTHBEARER: RFC 7628 §4.1 and §4.3", () =>
        Effect.gen(function*() {
          const mechanism = Sasl.oauthBearer({
            user: "user@example.com",
            token: secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")
          })
          const initial = fromBase64(
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52" +
              "YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
          )
          const failure = fromBase64(
            "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczov" +
              "L2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
          )
          assert.deepStrictEqual(yield* converse(mechanism, []), { turns: [{ says: initial }], complete: true })
          assert.deepStrictEqual(yield* converse(mechanism, [failure]), {
            turns: [{ says: initial }, { says: fromBase64("AQ=="), public: true, failure }],
            complete: false
          })
        }))

      it.effect("PLAIN: RFC 4616 §4", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(
            yield* converse(Sasl.plain({ user: "tim", password: secret("tanstaaftanstaaf") }), []),
            { turns: [{ says: "\0tim\0tanstaaftanstaaf" }], complete: true }
          )
          assert.deepStrictEqual(
            yield* converse(
              Sasl.plain({ user: "Kurt", password: secret("xipj3plmq"), authorizationId: "Ursel" }),
              []
            ),
            { turns: [{ says: "Ursel\0Kurt\0xipj3plmq" }], complete: true }
          )
        }))

      it.effect("ANONYMOUS: RFC 4505 §4", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* converse(Sasl.anonymous({ trace: "sirhc" }), []), {
            turns: [{ says: fromBase64("c2lyaGM=") }],
            complete: true
          })
        }))

      it.effect("EXTERNAL: RFC 4422 §A.5", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* converse(Sasl.external(), []), { turns: [{ says: "" }], complete: true })
          assert.deepStrictEqual(yield* converse(Sasl.external({ authorizationId: "fred@example.com" }), []), {
            turns: [{ says: "fred@example.com" }],
            complete: true
          })
        }))
    })
  })
}
