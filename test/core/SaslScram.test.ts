import * as Sasl from "@colloquy/core/Sasl"
import { saslprep } from "@colloquy/core/sasl/saslprep"
import * as TestPlatform from "@colloquy/core/testing/TestPlatform"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Redacted, Result, Schema } from "effect"
import { Kdf } from "effect/crypto"
import { Base64 } from "effect/encoding"
import { converse, defaults, fieldsOf, octetsOf, saslError, secret } from "./saslVectors.ts"
import { type Account, answer, type Hash, wrongSignature } from "./scramServer.ts"

const mechanisms = {
  "SCRAM-SHA-1": [Sasl.scramSha1, Sasl.scramSha1Plus],
  "SCRAM-SHA-256": [Sasl.scramSha256, Sasl.scramSha256Plus],
  "SCRAM-SHA-512": [Sasl.scramSha512, Sasl.scramSha512Plus]
} as const

const salt = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const pencil: Account = { user: "user", password: "pencil", salt, iterations: 4_096 }
const binding = Uint8Array.from({ length: 32 }, (_, i) => i)

/** Client and server to the end. `tamper` stands between them, on the server's messages. */
const authenticate = Effect.fnUntraced(function*(options: {
  readonly hash: Hash
  readonly plus?: boolean
  readonly user: string
  readonly password: string
  readonly authorizationId?: string
  readonly account: Account
  readonly context?: Partial<Sasl.Context>
  readonly serverBinding?: Uint8Array
  readonly tamper?: (message: string) => string
}) {
  const { account, hash, password, plus, serverBinding, tamper = (message: string) => message, ...rest } = options
  const [make, makePlus] = mechanisms[hash]
  const mechanism = (plus === true ? makePlus : make)({ ...rest, password: secret(password) })
  const started = mechanism.start({ ...defaults, ...rest.context })
  assert.isDefined(started.initial)
  const server = answer({
    hash,
    account,
    serverNonce: "3rfcNHYJY1ZVvWVs7j",
    clientFirst: started.initial === undefined ? "" : Redacted.value(started.initial),
    ...(serverBinding === undefined ? undefined : { channelBinding: serverBinding })
  })
  const first = yield* mechanism.step(started.state, octetsOf(tamper(server.serverFirst)))
  assert.isFalse(mechanism.complete(first.state))
  const signature = yield* server.judge(Redacted.value(first.response))
  const { authorizationId, bindingName, gs2 } = server
  const seen = { gs2, bindingName, authorizationId }
  if (signature === undefined) return { ...seen, server: false, client: false }
  const last = yield* mechanism.step(first.state, octetsOf(tamper(`v=${signature}`)))
  assert.deepStrictEqual([Redacted.value(last.response), last.secretChallenge], ["", true])
  return { ...seen, server: true, client: mechanism.complete(last.state) }
}, Effect.provide(TestPlatform.layer))

const gs2With = (context: Partial<Sasl.Context>) =>
  Effect.map(
    authenticate({ hash: "SCRAM-SHA-1", user: "user", password: "pencil", account: pencil, context }),
    ({ gs2 }) => gs2
  )

/** The client's error to the server's first message. Whoever derives, dies. */
const refusal = (serverFirst: string | Uint8Array) =>
  converse(Sasl.scramSha256({ user: "user", password: secret("pencil") }), [serverFirst]).pipe(
    Effect.flip,
    Effect.map(fieldsOf),
    Effect.provideService(Kdf.Kdf, { derive: () => Effect.die("nothing may be derived") }),
    Effect.provide(TestPlatform.layer)
  )

const nonce = `${defaults.nonce}3rfcNHYJY1ZVvWVs7j`
const mechanism = "SCRAM-SHA-256"
const protocol = (problem: string) => saslError({ mechanism, problem, kind: "protocol" })
const noFirst = "the server's first message is not r=, s=, i= (RFC 5802 §7)"
const wrongNonce = "the server's nonce does not extend ours: this answers somebody else's attempt"

const Hash = Arbitrary.schema(Schema.Literals(["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"]))

/** Text with what trips: `,` and `=` in names, blanks, umlauts decomposed, Hebrew, emoji. */
const Name = Arbitrary.filter(
  Arbitrary.map(
    Arbitrary.array(
      Arbitrary.schema(
        Schema.Union([
          Schema.String,
          Schema.Literals([",", "=", "=2C", "n=", " ", "a\u0308", "\u00a0", "\u2168", "\u05d0", "🔑", "Ａ"])
        ])
      ),
      { minLength: 1, maxLength: 6 }
    ),
    (parts) => parts.join("")
  ),
  (text) => Result.isSuccess(saslprep(text)) && Result.getOrThrow(saslprep(text)) !== "" && text.isWellFormed()
)

describe("SCRAM against a server written from the RFC", () => {
  it.effect.prop(
    "authenticates any user and password that SASLprep accepts, with each hash, bound to the channel or not",
    [Hash, Name, Name, Arbitrary.schema(Schema.Boolean)],
    Effect.fnUntraced(function*([hash, user, password, plus]) {
      const account = {
        ...pencil,
        user: Result.getOrThrow(saslprep(user)),
        password: Result.getOrThrow(saslprep(password))
      }
      const outcome = yield* authenticate({
        hash,
        plus,
        user,
        password,
        account,
        context: { channelBinding: binding },
        serverBinding: binding
      })
      assert.deepStrictEqual(outcome, {
        gs2: plus ? "p=tls-exporter,," : "n,,",
        bindingName: plus ? "tls-exporter" : undefined,
        authorizationId: undefined,
        server: true,
        client: true
      })
    })
  )

  it.effect.prop(
    "fails when any bit of nonce, salt or signature changes on the way",
    [
      Hash,
      Arbitrary.schema(Schema.Literals(["r=", "s=", "v="])),
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 511 })))
    ],
    Effect.fnUntraced(function*([hash, field, bit]) {
      const flip = (octets: Uint8Array) => {
        const at = bit % (octets.length * 8)
        return octets.map((octet, i) => i === at >> 3 ? octet ^ (1 << (at & 7)) : octet)
      }
      const outcome = yield* authenticate({
        hash,
        user: "user",
        password: "pencil",
        account: pencil,
        tamper: (message) =>
          message.split(",").map((attribute) => {
            if (!attribute.startsWith(field)) return attribute
            const value = attribute.slice(2)
            return field + (field === "r="
              ? Array.from(flip(octetsOf(value)), (octet) => String.fromCharCode(octet)).join("")
              : Base64.encode(flip(Result.getOrThrow(Base64.decode(value)))))
          }).join(",")
      }).pipe(Effect.result)
      if (Result.isFailure(outcome)) {
        assert.strictEqual(outcome.failure._tag, "SaslError")
        if (outcome.failure._tag !== "SaslError") return
        assert.strictEqual(outcome.failure.kind, field === "v=" ? "serverSignature" : "protocol")
        assert.strictEqual(outcome.failure.secretChallenge, field === "v=" ? true : undefined)
      } else {
        assert.deepStrictEqual([field === "v=", outcome.success.server, outcome.success.client], [false, false, false])
      }
    })
  )

  it.effect("fails with another password, and with another user", () =>
    Effect.gen(function*() {
      const outcomes = yield* Effect.all([
        authenticate({ hash: "SCRAM-SHA-256", user: "user", password: "pencils", account: pencil }),
        authenticate({ hash: "SCRAM-SHA-256", user: "User", password: "pencil", account: pencil })
      ])
      assert.deepStrictEqual(outcomes.map(({ client, server }) => ({ client, server })), [
        { client: false, server: false },
        { client: false, server: false }
      ])
    }))

  it.effect("fails when the two ends of the channel differ: somebody stands between", () =>
    Effect.gen(function*() {
      const outcome = yield* authenticate({
        hash: "SCRAM-SHA-256",
        plus: true,
        user: "user",
        password: "pencil",
        account: pencil,
        context: { channelBinding: binding },
        serverBinding: new Uint8Array(32)
      })
      assert.isFalse(outcome.server)
    }))

  it.effect("says y when it could bind and the server offers no -PLUS, n when it can't or the user chose so", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* Effect.all([
          gs2With({ offered: ["SCRAM-SHA-1"] }),
          gs2With({ offered: ["SCRAM-SHA-1"], channelBinding: binding }),
          gs2With({ offered: ["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"], channelBinding: binding }),
          gs2With({ channelBinding: binding })
        ]),
        ["n,,", "y,,", "n,,", "n,,"]
      )
    }))

  it.effect("carries an authorization identity, its , and = escaped", () =>
    Effect.gen(function*() {
      const outcome = yield* authenticate({
        hash: "SCRAM-SHA-512",
        user: "user",
        authorizationId: "a=b,c",
        password: "pencil",
        account: pencil
      })
      assert.deepStrictEqual(outcome, {
        gs2: "n,a=a=3Db=2Cc,",
        bindingName: undefined,
        authorizationId: "a=3Db=2Cc",
        server: true,
        client: true
      })
    }))
})

describe("SCRAM's client", () => {
  it.effect("refuses iteration counts out of bounds before it derives anything, and names the bound", () =>
    Effect.gen(function*() {
      const tooFew = saslError({
        mechanism,
        problem: "the server asks for fewer iterations than 4096: the password could be guessed",
        kind: "iterations",
        limit: 4_096
      })
      const tooMany = saslError({
        mechanism,
        problem: "the server asks for more iterations than 1000000",
        kind: "iterations",
        limit: 1_000_000
      })
      assert.deepStrictEqual(
        yield* Effect.forEach(
          ["1", "4095", "1000001", "1000000000", "9".repeat(400)],
          (iterations) => refusal(`r=${nonce},s=QSXCR+Q6sek8bf92,i=${iterations}`)
        ),
        [tooFew, tooFew, tooMany, tooMany, tooMany]
      )
    }))

  it.effect("takes the bounds themselves", () =>
    Effect.gen(function*() {
      const asked = yield* Effect.forEach([4_096, 1_000_000], (iterations) =>
        converse(Sasl.scramSha256({ user: "user", password: secret("pencil") }), [
          `r=${nonce},s=QSXCR+Q6sek8bf92,i=${iterations}`
        ]).pipe(
          Effect.flip,
          Effect.provideService(Kdf.Kdf, {
            derive: (algorithm) =>
              Effect.die(algorithm)
          }),
          Effect.catchDefect((algorithm) => Effect.succeed(algorithm)),
          Effect.provide(TestPlatform.layer)
        ))
      assert.deepStrictEqual(asked, [
        Kdf.pbkdf2({ hash: Kdf.pbkdf2Sha256.hash, iterations: 4_096 }),
        Kdf.pbkdf2({ hash: Kdf.pbkdf2Sha256.hash, iterations: 1_000_000 })
      ])
    }))

  it.effect("refuses a first message that breaks the rules", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [serverFirst: string | Uint8Array, problem: string]> = [
        ["", noFirst],
        [`s=QSXC,r=${nonce},i=4096`, noFirst],
        [`r=${nonce},s=QSXC`, noFirst],
        [`r=${nonce},s=QSXC,i=4096,`, noFirst],
        [`r=${nonce},s=QSXC,i=4096,17`, noFirst],
        ["v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", noFirst],
        [`m=x,r=${nonce},s=QSXC,i=4096`, "the server demands an extension that we don't know (m=, RFC 5802 §5.1)"],
        [`r=${nonce},s=QSXC,i=4096,m=x`, "the server demands an extension that we don't know (m=, RFC 5802 §5.1)"],
        [`r=${defaults.nonce},s=QSXC,i=4096`, wrongNonce],
        [`r=3rfcNHYJY1ZVvWVs7j${defaults.nonce},s=QSXC,i=4096`, wrongNonce],
        [`r=${nonce}\u00e9,s=QSXC,i=4096`, wrongNonce],
        [`r=${nonce} ,s=QSXC,i=4096`, wrongNonce],
        [`r=${nonce},s=,i=4096`, "the server's salt is empty or no base64"],
        [`r=${nonce},s=QSX,i=4096`, "the server's salt is empty or no base64"],
        [`r=${nonce},s=QS-C,i=4096`, "the server's salt is empty or no base64"],
        [`r=${nonce},s=QSXC\r\nQSXC,i=4096`, "the server's salt is empty or no base64"],
        [`r=${nonce},s=QR==,i=4096`, "the server's salt is empty or no base64"],
        [`r=${nonce},s=QSX=,i=4096`.replace("QSX=", "QSZ="), "the server's salt is empty or no base64"],
        [`r=${nonce},s=QSXC,i=`, "the server's iteration count is no positive number"],
        [`r=${nonce},s=QSXC,i=04096`, "the server's iteration count is no positive number"],
        [`r=${nonce},s=QSXC,i=-4096`, "the server's iteration count is no positive number"],
        [`r=${nonce},s=QSXC,i=4e3`, "the server's iteration count is no positive number"],
        [Uint8Array.of(0x72, 0x3d, 0xff), "the server's first message is not r=, s=, i= (RFC 5802 §7)"]
      ]
      assert.deepStrictEqual(
        yield* Effect.forEach(cases, ([serverFirst]) => refusal(serverFirst)),
        cases.map(([, problem]) => protocol(problem))
      )
    }))

  it.effect("ignores extensions that the server does not demand, in both of its messages", () =>
    Effect.gen(function*() {
      const outcome = yield* converse(Sasl.scramSha256({ user: "user", password: secret("pencil") }), [
        `r=${nonce},s=QSXCR+Q6sek8bf92,i=4096,x=1,Y=a=b`
      ]).pipe(Effect.provide(TestPlatform.layer))
      assert.strictEqual(outcome.turns.length, 2)
    }))

  it.effect("is not complete before the server's signature was verified, and keeps what may hold it out of the log", () =>
    Effect.gen(function*() {
      const serverFirst = `r=${nonce},s=QSXCR+Q6sek8bf92,i=4096`
      const scram = Sasl.scramSha256({ user: "user", password: secret("pencil") })
      const complete = yield* Effect.forEach(
        [[], [serverFirst]],
        (challenges) => Effect.map(converse(scram, challenges), (outcome) => outcome.complete)
      )
      assert.deepStrictEqual(complete, [false, false])
      const noLast = "the server's last message is no v= with base64 (RFC 5802 §7)"
      const cases: ReadonlyArray<
        readonly [last: string | Uint8Array, kind: "protocol" | "serverSignature", problem: string]
      > = [
        ["", "protocol", noLast],
        ["v=?", "protocol", noLast],
        ["v=AB==", "protocol", noLast],
        [" v=AAAA", "protocol", noLast],
        ["v=AAAA,junk", "protocol", noLast],
        [serverFirst, "protocol", noLast],
        [Uint8Array.of(0x76, 0x3d, 0xff), "protocol", "the server's last message is no v= with base64 (RFC 5802 §7)"],
        ...["v=", "v=AAAA", `v=${wrongSignature}`].map((last) =>
          [
            last,
            "serverSignature",
            "the server could not prove that it knows the password: it may not be the server that it says it is"
          ] as const
        )
      ]
      assert.deepStrictEqual(
        yield* Effect.forEach(
          cases,
          ([last]) => Effect.map(Effect.flip(converse(scram, [serverFirst, last])), fieldsOf)
        ),
        cases.map(([, kind, problem]) => saslError({ mechanism, problem, kind, secretChallenge: true }))
      )
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("answers the server's e= with an empty line, so that the final reply comes, and keeps its words", () =>
    Effect.gen(function*() {
      const scram = Sasl.scramSha256({ user: "user", password: secret("pencil") })
      const serverFirst = `r=${nonce},s=QSXCR+Q6sek8bf92,i=4096`
      const early = yield* converse(scram, ["e=unknown-user"])
      assert.deepStrictEqual([early.turns.at(-1), early.complete], [{ says: "", failure: "unknown-user" }, false])
      const late = yield* converse(scram, [serverFirst, "e=invalid-proof"])
      assert.deepStrictEqual([late.turns.at(-1), late.complete], [{ says: "", failure: "invalid-proof" }, false])
      assert.deepStrictEqual(
        fieldsOf(yield* Effect.flip(converse(scram, ["e=other-error", serverFirst]))),
        protocol("the server sent a challenge where none is due")
      )
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("says nothing more once the server has proven itself", () =>
    Effect.gen(function*() {
      // RFC 5802 §5
      const scram = Sasl.scramSha1({ user: "user", password: secret("pencil") })
      const first = `r=${defaults.nonce}3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096`
      assert.deepStrictEqual(
        fieldsOf(yield* Effect.flip(converse(scram, [first, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", ""]))),
        saslError({
          mechanism: "SCRAM-SHA-1",
          problem: "the server sent a challenge where none is due",
          kind: "protocol"
        })
      )
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("sends nothing for a user or password that cannot be prepared, in the same words whatever is wrong", () =>
    Effect.gen(function*() {
      for (const make of Object.values(mechanisms).flat()) {
        for (const password of ["bell\u0007", "\u05d0mixed\u05d0", "\ue000"]) {
          const scram = make({ user: "user", password: secret(password) })
          assert.deepStrictEqual(scram.start({ ...defaults, channelBinding: binding }), { state: undefined })
          const error = yield* Effect.flip(scram.step(undefined, octetsOf("")))
          assert.strictEqual(error, scram.refusal)
          assert.strictEqual(
            error.message,
            `${scram.name}: the password holds characters that SCRAM cannot carry, such as control characters or a mix of ` +
              "writing directions (SASLprep, RFC 4013); change it, or set authenticationMode to \"PLAIN\", which sends " +
              "it as it is"
          )
        }
        assert.strictEqual(make({ user: "\u00ad", password: secret("pencil") }).refusal?.kind, "credentials")
        assert.strictEqual(make({ user: "bell\u0007", password: secret("pencil") }).refusal?.kind, "credentials")
        assert.strictEqual(make({ user: "", password: secret("pencil") }).refusal?.problem, "the user name is empty")
        assert.strictEqual(make({ user: "user", password: secret("") }).refusal, undefined)
      }
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("cannot be -PLUS without channel binding, nor start with a nonce that the message cannot hold", () =>
    Effect.gen(function*() {
      const impossible = [
        [Sasl.scramSha256Plus, defaults],
        ...["", "a,b", "a b", "é", "a\u007f"].map((nonce) => [Sasl.scramSha256, { ...defaults, nonce }] as const)
      ] as const
      const problems = yield* Effect.forEach(impossible, ([make, context]) => {
        const scram = make({ user: "user", password: secret("pencil") })
        const started = scram.start(context)
        assert.isUndefined(started.initial)
        assert.isFalse(scram.complete(started.state))
        return Effect.map(
          Effect.flip(scram.step(started.state, octetsOf(""))),
          ({ kind, problem }) => ({ kind, problem })
        )
      })
      const badNonce = {
        kind: "unsupported" as const,
        problem: "the nonce must be visible ASCII without comma (RFC 5802 §7)"
      }
      assert.deepStrictEqual(problems, [
        {
          kind: "unsupported",
          problem: "the connection has no channel binding (tls-exporter, RFC 9266): it takes TLS 1.3"
        },
        badNonce,
        badNonce,
        badNonce,
        badNonce,
        badNonce
      ])
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("draws nonces that it can use, each one new", () =>
    Effect.gen(function*() {
      const nonces = yield* Effect.all([Sasl.makeNonce, Sasl.makeNonce])
      assert.notStrictEqual(nonces[0], nonces[1])
      for (const nonce of nonces) {
        assert.match(nonce, /^[A-Za-z0-9+/]{32}$/)
        const { turns } = yield* converse(Sasl.scramSha1({ user: "user", password: secret("pencil") }), [], { nonce })
        assert.deepStrictEqual(turns, [{ says: `n,,n=user,r=${nonce}` }])
      }
    }).pipe(Effect.provide(TestPlatform.layer)))
})
