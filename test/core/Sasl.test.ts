import * as Sasl from "@colloquy/core/Sasl"
import * as TestPlatform from "@colloquy/core/testing/TestPlatform"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Effect, Exit, Redacted, Result, Schema } from "effect"
import { Base64, Hex } from "effect/encoding"
import { inspect } from "node:util"
import { base64, converse, defaults, fieldsOf, octetsOf, saslError, secret } from "./saslVectors.ts"

const user = "ann"
const password = secret("open sesame")
const token = secret("ya29.vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")
const noMore = "the server sent a challenge where none is due"

const names = (selection: Result.Result<ReadonlyArray<Sasl.Mechanism>, Sasl.Unavailable | Sasl.SaslError>) =>
  Result.match(selection, {
    onSuccess: (mechanisms): unknown => mechanisms.map((mechanism) => mechanism.name),
    onFailure: (reason): unknown => reason instanceof Sasl.SaslError ? fieldsOf(reason) : reason
  })

const everything = [
  "LOGIN",
  "PLAIN",
  "CRAM-MD5",
  "DIGEST-MD5",
  "NTLM",
  "SCRAM-SHA-1",
  "SCRAM-SHA-1-PLUS",
  "SCRAM-SHA-256",
  "SCRAM-SHA-256-PLUS",
  "SCRAM-SHA-512",
  "SCRAM-SHA-512-PLUS",
  "XOAUTH2",
  "OAUTHBEARER",
  "EXTERNAL",
  "ANONYMOUS"
]

const inMode = (authenticationMode: string, offered = everything) =>
  names(Sasl.select({ offered, user, password, token, authenticationMode, channelBinding: true }))

const refused = (credentials: Sasl.Credentials) => {
  const candidates = Sasl.candidates(credentials)
  assert.deepStrictEqual(names(Sasl.select({ ...credentials, offered: everything })), names(candidates))
  return Result.isFailure(candidates) ? fieldsOf(candidates.failure) : undefined
}

const credentials = (mechanism: string, problem: string) => saslError({ mechanism, problem, kind: "credentials" })

describe("Sasl.select", () => {
  it("tries, with a password, SCRAM before CRAM-MD5 before what can be read", () => {
    assert.deepStrictEqual(names(Sasl.select({ offered: everything, user, password })), [
      "SCRAM-SHA-512",
      "SCRAM-SHA-256",
      "SCRAM-SHA-1",
      "CRAM-MD5",
      "PLAIN",
      "LOGIN"
    ])
  })

  it("binds the channel first where it can, whatever the hash", () => {
    assert.deepStrictEqual(names(Sasl.select({ offered: everything, user, password, channelBinding: true })), [
      "SCRAM-SHA-512-PLUS",
      "SCRAM-SHA-256-PLUS",
      "SCRAM-SHA-1-PLUS",
      "SCRAM-SHA-512",
      "SCRAM-SHA-256",
      "SCRAM-SHA-1",
      "CRAM-MD5",
      "PLAIN",
      "LOGIN"
    ])
  })

  it("tries, with a token, OAUTHBEARER before XOAUTH2, before the password if there is one too", () => {
    assert.deepStrictEqual(names(Sasl.select({ offered: everything, user, token })), ["OAUTHBEARER", "XOAUTH2"])
    assert.deepStrictEqual(names(Sasl.select({ offered: everything, token })), ["OAUTHBEARER"])
    assert.deepStrictEqual(names(Sasl.select({ offered: ["PLAIN", "XOAUTH2"], user, password, token })), [
      "XOAUTH2",
      "PLAIN"
    ])
  })

  it("keeps to authenticationMode, in any case, and takes 4D's OAUTH2 for either bearer mechanism", () => {
    for (const name of everything.filter((name) => name !== "DIGEST-MD5" && name !== "NTLM")) {
      assert.deepStrictEqual(inMode(name.toLowerCase()), [name])
    }
    assert.deepStrictEqual(inMode("OAuth2"), ["OAUTHBEARER", "XOAUTH2"])
    assert.deepStrictEqual(inMode("OAUTH2", ["XOAUTH2", "PLAIN"]), ["XOAUTH2"])
  })

  it("takes a mechanism of one's own, offered in any case", () => {
    const own = Sasl.make({
      name: "x-ticket",
      cleartext: true,
      start: () => ({ state: null, initial: secret("ticket") }),
      step: () => Effect.fail(new Sasl.SaslError({ mechanism: "X-TICKET", problem: "no challenge expected" })),
      complete: () => true
    })
    assert.deepStrictEqual(names(Sasl.select({ offered: ["X-Ticket"], authenticationMode: own })), ["X-TICKET"])
    const literal = { ...own, name: "x-ticket" }
    assert.deepStrictEqual(names(Sasl.select({ offered: ["X-TICKET"], authenticationMode: literal })), ["X-TICKET"])
    assert.deepStrictEqual(names(Sasl.select({ offered: ["PLAIN"], authenticationMode: own })), {
      kind: "NoCommonMechanism",
      offered: ["PLAIN"],
      allowed: ["X-TICKET"]
    })
  })

  it("says why there is nothing to try", () => {
    assert.deepStrictEqual(names(Sasl.select({ offered: ["NTLM", "xoauth2"], user, password })), {
      kind: "NoCommonMechanism",
      offered: ["NTLM", "XOAUTH2"],
      allowed: ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]
    })
    assert.deepStrictEqual(names(Sasl.select({ offered: [], user, password, authenticationMode: "plain" })), {
      kind: "NotOffered",
      offered: [],
      allowed: ["PLAIN"]
    })
    assert.deepStrictEqual(names(Sasl.select({ offered: everything })), {
      kind: "NoCommonMechanism",
      offered: everything,
      allowed: []
    })
    assert.deepStrictEqual(
      names(Sasl.select({ offered: everything, user, password, authenticationMode: "SCRAM-SHA-1-PLUS" })),
      saslError({
        mechanism: "SCRAM-SHA-1-PLUS",
        problem: "the connection has no channel binding (tls-exporter, RFC 9266): it takes TLS 1.3",
        kind: "unsupported"
      })
    )
  })

  it("refuses, before any connection, credentials that are missing or that no mechanism can carry", () => {
    const carriesNo = "the secret holds a line break, a NUL or text that has no UTF-8 form"
    assert.deepStrictEqual(
      [
        refused({ user }),
        refused({ password }),
        refused({ user, authenticationMode: "login" }),
        refused({ password, authenticationMode: "plain" }),
        refused({ user, password, authenticationMode: "oauth2" }),
        refused({ token, authenticationMode: "xoauth2" }),
        refused({ user: "", password }),
        refused({ user: "an\0n", password }),
        ...["pass\r", "pass\n", "pa\0ss", "pass\ud800"].map((text) => refused({ user, password: secret(text) })),
        refused({ user, token: secret("token\n"), authenticationMode: "oauth2" })
      ],
      [
        credentials("AUTH", "the password (or access token) is missing"),
        credentials("AUTH", "the user name is missing"),
        credentials("LOGIN", "the password is missing"),
        credentials("PLAIN", "the user name is missing"),
        credentials("OAUTH2", "the access token is missing"),
        credentials("XOAUTH2", "the user name is missing"),
        credentials("AUTH", "the user name is empty"),
        credentials("AUTH", "the user name holds a line break, a NUL or text that has no UTF-8 form"),
        ...Array.from({ length: 4 }, () => credentials("AUTH", carriesNo)),
        credentials("OAUTH2", carriesNo)
      ]
    )
    assert.deepStrictEqual(
      refused({ user, password, authenticationMode: "digest-md5" }),
      saslError({
        mechanism: "\"DIGEST-MD5\"",
        problem: "no such authenticationMode; there are OAUTH2, OAUTHBEARER, XOAUTH2, EXTERNAL, ANONYMOUS, " +
          "SCRAM-SHA-512-PLUS, SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-512, SCRAM-SHA-256, SCRAM-SHA-1, " +
          "CRAM-MD5, PLAIN, LOGIN",
        kind: "unsupported"
      })
    )
  })
})

const oauthBearerSays = (user: string | undefined, context?: Partial<Sasl.Context>) =>
  Effect.map(
    converse(Sasl.oauthBearer({ user, token: secret("ya29.x") }), [], context),
    ({ turns }) => turns[0]?.says
  )

describe("the mechanisms", () => {
  it.effect("LOGIN answers its prompts by order, whatever they say, and has two answers", () =>
    Effect.gen(function*() {
      const login = Sasl.login({ user, password })
      for (const prompts of [["Username:", "Password:"], ["Password:", "Username:"], [Uint8Array.of(0xff, 0), ""]]) {
        assert.deepStrictEqual(yield* converse(login, prompts), {
          turns: [{ says: "ann" }, { says: "open sesame" }],
          complete: true
        })
      }
      assert.deepStrictEqual(
        fieldsOf(yield* Effect.flip(converse(login, ["", "", "Password:"]))),
        saslError({ mechanism: "LOGIN", problem: noMore, kind: "protocol" })
      )
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("XOAUTH2 sends user and token, and answers the error challenge by an empty line, once", () =>
    Effect.gen(function*() {
      const xoauth2 = Sasl.xoauth2({ user: "ann@mail.example", token: secret("ya29.x") })
      const initial = { says: "user=ann@mail.example\x01auth=Bearer ya29.x\x01\x01" }
      const failure = "{\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":\"https://mail.google.com/\"}"
      assert.deepStrictEqual(yield* converse(xoauth2, []), { turns: [initial], complete: true })
      assert.deepStrictEqual(yield* converse(xoauth2, [failure]), {
        turns: [initial, { says: "", failure }],
        complete: false
      })
      assert.deepStrictEqual(yield* converse(xoauth2, [""]), { turns: [initial, { says: "" }], complete: false })
      assert.deepStrictEqual(
        fieldsOf(yield* Effect.flip(converse(xoauth2, [failure, failure]))),
        saslError({ mechanism: "XOAUTH2", problem: noMore, kind: "protocol" })
      )
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("OAUTHBEARER leaves out the user, and host and port of a Unix socket, and escapes the user's , and =", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* Effect.all([
          oauthBearerSays("a=b,c"),
          oauthBearerSays(undefined, { host: "::1", port: 587 }),
          oauthBearerSays(undefined, { host: "/run/lmtp", port: 0 })
        ]),
        [
          "n,a=a=3Db=2Cc,\x01host=server.example.com\x01port=143\x01auth=Bearer ya29.x\x01\x01",
          "n,,\x01host=::1\x01port=587\x01auth=Bearer ya29.x\x01\x01",
          "n,,\x01auth=Bearer ya29.x\x01\x01"
        ]
      )
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("CRAM-MD5 keys its digest with any password, answers once, and takes user names with blanks", () =>
    Effect.gen(function*() {
      const digests = yield* Effect.forEach(["", "x".repeat(64), "x".repeat(65), "пароль"], (text) =>
        Effect.map(
          converse(Sasl.cramMd5({ user: "ann b", password: secret(text) }), ["<1@x>"]),
          ({ turns }) => turns[0]?.says.replace(/^ann b /, "").length
        ))
      assert.deepStrictEqual(digests, [32, 32, 32, 32])
      assert.deepStrictEqual(
        fieldsOf(yield* Effect.flip(converse(Sasl.cramMd5({ user, password }), ["<1@x>", "<2@x>"]))),
        saslError({ mechanism: "CRAM-MD5", problem: noMore, kind: "protocol" })
      )
    }).pipe(Effect.provide(TestPlatform.layer)))

  it.effect("those that speak once take no challenge", () =>
    Effect.gen(function*() {
      for (const mechanism of [Sasl.plain({ user, password }), Sasl.external(), Sasl.anonymous()]) {
        assert.deepStrictEqual(
          fieldsOf(yield* Effect.flip(converse(mechanism, [""]))),
          saslError({ mechanism: mechanism.name, problem: noMore, kind: "protocol" })
        )
      }
    }).pipe(Effect.provide(TestPlatform.layer)))

  it("tell which of them can be read by whoever sees what is sent", () => {
    const all = [
      ...Result.getOrThrow(Sasl.candidates({ user, password, token })),
      Sasl.external(),
      Sasl.anonymous()
    ]
    assert.deepStrictEqual(
      all.filter((mechanism) => mechanism.cleartext).map((mechanism) => mechanism.name),
      ["OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"]
    )
  })

  it.effect("send nothing for credentials that they cannot carry, and say why in words that hold for any secret", () =>
    Effect.gen(function*() {
      const notAToken = "the access token is empty, or holds a blank or a character outside of ASCII (RFC 6750 §2.1)"
      const noText = "the secret holds a line break, a NUL or text that has no UTF-8 form"
      const cases: ReadonlyArray<readonly [Sasl.Mechanism, problem: string]> = [
        [Sasl.plain({ user, password: secret("") }), "the password is empty"],
        [Sasl.plain({ user, password: secret("a\0b") }), noText],
        [Sasl.plain({ user, password, authorizationId: "" }), "the user name is empty"],
        [Sasl.login({ user, password: secret("a\nb") }), noText],
        [Sasl.login({ user: "", password }), "the user name is empty"],
        [Sasl.cramMd5({ user, password: secret("a\rb") }), noText],
        [Sasl.xoauth2({ user, token: secret("") }), notAToken],
        [Sasl.xoauth2({ user, token: secret("a b") }), notAToken],
        [Sasl.xoauth2({ user: "a\x01b", token }), "the user name holds a control character (%x01)"],
        [Sasl.oauthBearer({ user, token: secret("ü") }), notAToken],
        [Sasl.oauthBearer({ user: "a\x01b", token }), "the user name holds a control character (%x01)"],
        [
          Sasl.external({ authorizationId: "a\nb" }),
          "the user name holds a line break, a NUL or text that has no UTF-8 form"
        ],
        [Sasl.anonymous({ trace: "x".repeat(256) }), "the trace is longer than 255 characters (RFC 4505 §2)"],
        [
          Sasl.anonymous({ trace: "a\tb" }),
          "the trace holds a control character or another that RFC 4505 §3 does not allow"
        ]
      ]
      for (const [mechanism, problem] of cases) {
        const started = mechanism.start(defaults)
        assert.deepStrictEqual(started, { state: undefined })
        const error = yield* Effect.flip(mechanism.step(started.state, octetsOf("")))
        assert.strictEqual(error, mechanism.refusal)
        assert.deepStrictEqual(fieldsOf(error), saslError({ mechanism: mechanism.name, problem, kind: "credentials" }))
        assert.isFalse(mechanism.complete(started.state))
      }
    }).pipe(Effect.provide(TestPlatform.layer)))

  it("carry a name that is none nowhere", () => {
    for (const name of ["", "X TICKET", "X\r\nQUIT", "X".repeat(21), "É"]) {
      const own = Sasl.make({
        name,
        cleartext: true,
        start: () => ({ state: null, initial: secret("ticket") }),
        step: () => Effect.die("unreachable"),
        complete: () => true
      })
      assert.strictEqual(own.refusal?.kind, "unsupported")
      assert.isUndefined(own.start(defaults).initial)
      assert.notMatch(own.refusal?.message ?? "", /[\r\n]/)
    }
  })
})

/** All that can be printed of a value. */
const printed = (value: unknown) =>
  [
    String(value),
    JSON.stringify(value),
    inspect(value, { depth: Infinity, showHidden: true }),
    value instanceof Error ? `${value.stack}${value.message}` : ""
  ].join("\n")

describe("secrets", () => {
  const Password = Arbitrary.schema(
    Schema.String.check(Schema.isPattern(/^[!-~]{12,40}$/), Schema.isMinLength(12))
  )

  /** Everything that a mechanism lets out of its hands while it authenticates, and the errors of a server at fault. */
  const allOf = Effect.fnUntraced(function*(mechanism: Sasl.Mechanism) {
    const seen: Array<unknown> = [mechanism]
    const started = mechanism.start({ ...defaults, channelBinding: octetsOf("binding") })
    seen.push(started)
    let state = started.state
    const sent: Array<string> = started.initial === undefined ? [] : [Redacted.value(started.initial)]
    for (const challenge of [`r=${defaults.nonce}x,s=QSXCR+Q6sek8bf92,i=4096`, "v=AAAA", "three"]) {
      const exit = yield* Effect.exit(mechanism.step(state, octetsOf(challenge)))
      seen.push(exit)
      if (Exit.isFailure(exit)) {
        seen.push(Cause.pretty(exit.cause), Cause.squash(exit.cause))
        break
      }
      state = exit.value.state
      sent.push(Redacted.value(exit.value.response))
    }
    return { text: seen.map(printed).join("\n"), sent }
  })

  it.effect.prop(
    "are in nothing that can be printed: mechanism, state, step or error",
    [Password],
    Effect.fnUntraced(function*([text]) {
      const given = secret(text)
      const mechanisms = [
        ...Result.getOrThrow(Sasl.candidates({ user, password: given, token: given })),
        Sasl.make<string>({
          name: "X-TICKET",
          cleartext: true,
          start: () => ({ state: text, initial: given }),
          step: (state) => Effect.succeed({ state: state + state, response: given }),
          complete: () => true
        })
      ]
      for (const mechanism of mechanisms) {
        const { sent, text: output } = yield* allOf(mechanism)
        const lines = sent.filter((line) => line.length >= 8)
        assert.isNotEmpty(lines)
        for (const hidden of [text, ...lines]) {
          for (const form of [hidden, base64(hidden), Base64.encode(octetsOf(hidden)), Hex.encode(octetsOf(hidden))]) {
            assert.isFalse(output.includes(form), `${mechanism.name} shows what it should not`)
          }
        }
      }
    }, Effect.provide(TestPlatform.layer))
  )

  it("a check that looks for secrets finds one that is shown", () => {
    assert.include(printed({ state: "open sesame" }), "open sesame")
    assert.include(printed(new Error("open sesame")), "open sesame")
  })

  it.prop(
    "are refused exactly where they hold CR, LF, NUL or half of a surrogate pair",
    [Schema.String, Schema.Literals(["", "\r", "\n", "\0", "\ud83d"])],
    ([text, bad]) => {
      const isBad = bad !== "" || /[\r\n\0]/.test(text) || !text.isWellFormed()
      assert.strictEqual(Sasl.checkSecret(secret(`${text}${bad}`)) !== undefined, isBad)
    }
  )
})
