import * as Sasl from "@colloquy/core/Sasl"
import * as TestPlatform from "@colloquy/core/testing/TestPlatform"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, type PlatformError, Stream } from "effect"
import { Digest, Mac, SecureRandom, Signature } from "effect/crypto"
import { Hex } from "effect/encoding"
import { converse, octetsOf, secret } from "./saslVectors.ts"

const failureOf = <A>(effect: Effect.Effect<A, PlatformError.PlatformError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)

describe("TestPlatform", () => {
  layer(TestPlatform.layer)((it) => {
    it.effect("has no files: nothing is there to read", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        assert.isFalse(yield* fs.exists("logConfig.json"))
        assert.deepStrictEqual(
          yield* Effect.all([
            failureOf(fs.readFileString("logConfig.json")),
            failureOf(fs.readDirectory("logs")),
            failureOf(fs.stat("logs")),
            failureOf(Effect.scoped(fs.open("logConfig.json"))),
            failureOf(Stream.runDrain(fs.stream("logConfig.json")))
          ]),
          ["NotFound", "NotFound", "NotFound", "NotFound", "NotFound"]
        )
      }))

    it.effect("can't be written to, and says so instead of dying", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        assert.deepStrictEqual(
          yield* Effect.all([
            failureOf(fs.makeDirectory("logs", { recursive: true })),
            failureOf(fs.writeFileString("logs/a.txt", "a")),
            failureOf(fs.writeFile("logs/a.txt", octetsOf("a"))),
            failureOf(Effect.scoped(fs.open("logs/a.txt", { flag: "a" }))),
            failureOf(Effect.scoped(fs.open("logs/a.txt", { flag: "wx" }))),
            failureOf(fs.makeTempDirectory()),
            failureOf(Effect.scoped(fs.makeTempFileScoped()))
          ]),
          Array.from({ length: 7 }, () => "PermissionDenied")
        )
        assert.isFalse(yield* fs.exists("logs/a.txt"))
        const error = yield* Effect.flip(fs.writeFileString("logs/a.txt", "a"))
        assert.include(error.message, "logs/a.txt")
        assert.include(error.message, "SmtpLog.layerMemory")
      }))

    it.effect("has POSIX paths", () =>
      Effect.gen(function*() {
        const path = yield* Path.Path
        assert.deepStrictEqual([path.sep, path.join("logs", "..", "a.txt")], ["/", "a.txt"])
      }))

    it.effect("digests, MD5 included (RFC 1321 §A.5), and signs", () =>
      Effect.gen(function*() {
        const digest = yield* Digest.Digest
        assert.deepStrictEqual(
          yield* Effect.all([
            digest.digestHex(Digest.md5, octetsOf("message digest")),
            digest.digestHex(Digest.sha256, octetsOf("abc"))
          ]),
          [
            "f96b697d7cb7938d525a2f31aaf161d0",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
          ]
        )
        const mac = yield* Mac.Mac
        const tag = yield* mac.sign(
          yield* Mac.key(Mac.hmacSha256, octetsOf("Jefe")),
          octetsOf("what do ya want for nothing?")
        )
        assert.strictEqual(Hex.encode(tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        const signature = yield* Signature.Signature
        const pair = yield* signature.generateKeyPair(Signature.ed25519)
        const signed = yield* signature.sign(pair.privateKey, octetsOf("a"))
        assert.isTrue(yield* signature.verify(pair.publicKey, signed, octetsOf("a")))
        assert.isFalse(yield* signature.verify(pair.publicKey, signed, octetsOf("b")))
      }))

    it.effect("derives keys, as SCRAM needs", () =>
      Effect.gen(function*() {
        const nonce = yield* Sasl.makeNonce
        const { turns } = yield* converse(Sasl.scramSha512({ user: "user", password: secret("pencil") }), [
          `r=${nonce}x,s=QSXCR+Q6sek8bf92,i=4096`
        ], { nonce })
        assert.match(turns[1]?.says ?? "", /^c=biws,r=.*x,p=[A-Za-z0-9+/]{86}==$/)
      }))

    it.effect("draws real randomness", () =>
      Effect.gen(function*() {
        const random = yield* SecureRandom.SecureRandom
        assert.notDeepEqual(yield* random.randomBytes(24), yield* random.randomBytes(24))
      }))
  })
})
