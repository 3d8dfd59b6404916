import { OAuth2, Sasl, SmtpError, SmtpLog, Transporter } from "@colloquy/core"
import { OAuth2Error } from "@colloquy/core/OAuth2Error"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Option, Redacted, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto"
import { differences, forms, type Seen, show, showExit, watch, windowsIn } from "./secrets.ts"

const stars = "*".repeat(32)
const tokenEndpoint = "https://login.test/token"

interface Request {
  readonly url: string
  readonly authorization: string | undefined
  readonly form: Readonly<Record<string, string>>
}
type Answer = Response | Effect.Effect<Response, unknown>

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status })
const token = (access_token: string, more: Record<string, unknown> = {}) =>
  json({ access_token, token_type: "Bearer", expires_in: 3600, ...more })

/** A token endpoint that answers as told; `requests` is what it was asked. */
const endpoint = (answer: (request: Request, count: number) => Answer) => {
  const requests: Array<Request> = []
  const client = HttpClient.make((request, url) =>
    Effect.suspend(() => {
      const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
      const asked = {
        url: url.href,
        authorization: request.headers["authorization"],
        form: Object.fromEntries(new URLSearchParams(body))
      }
      requests.push(asked)
      const given = answer(asked, requests.length)
      return Effect.map(
        Effect.isEffect(given)
          ? Effect.mapError(given, (cause) =>
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({ request, cause })
            }))
          : Effect.succeed(given),
        (response) => HttpClientResponse.fromWeb(request, response)
      )
    })
  )
  return { requests, layer: Layer.merge(Layer.succeed(HttpClient.HttpClient, client), TestPlatform.layer) }
}
const counting = (more: Record<string, unknown> = {}) => endpoint((_, count) => token(`token-${count}`, more))

const value = ({ accessToken }: OAuth2.Provider) => Effect.map(accessToken, Redacted.value)
const client = { tokenEndpoint, clientId: "app", clientSecret: Redacted.make("client-s3cret") }
const refresh = { ...client, refreshToken: Redacted.make("refresh-0") }

describe("a token", () => {
  it.effect("is asked for by client credentials (RFC 6749 §4.4), kept, and renewed five minutes before it expires", () => {
    const server = counting()
    return Effect.gen(function*() {
      const provider = yield* OAuth2.clientCredentials({ ...client, scope: "mail" })
      assert.deepStrictEqual(server.requests, [])
      assert.strictEqual(yield* value(provider), "token-1")
      yield* TestClock.adjust("54 minutes")
      assert.strictEqual(yield* value(provider), "token-1")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* value(provider), "token-2")
      const asked = {
        url: tokenEndpoint,
        authorization: undefined,
        form: { grant_type: "client_credentials", scope: "mail", client_id: "app", client_secret: "client-s3cret" }
      }
      assert.deepStrictEqual(server.requests, [asked, asked])
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("that lives shorter than that is kept for half its life; ten minutes where nothing is said", () => {
    const short = endpoint((_, count) => token(`token-${count}`, { expires_in: "120" }))
    const unsaid = endpoint((_, count) => json({ access_token: `token-${count}` }))
    const lives = (server: ReturnType<typeof endpoint>, whole: `${number} seconds`) =>
      Effect.gen(function*() {
        const provider = yield* OAuth2.clientCredentials(client)
        yield* value(provider)
        yield* TestClock.adjust(whole)
        yield* TestClock.adjust("-1 millis")
        assert.strictEqual(yield* value(provider), "token-1")
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* value(provider), "token-2")
      }).pipe(Effect.provide(server.layer))
    return Effect.andThen(lives(short, "60 seconds"), lives(unsaid, "300 seconds"))
  })

  it.effect("is asked for once by all who need it at the same time, and its failure is told to all, and not kept", () => {
    const gate = Deferred.makeUnsafe<void>()
    const server = endpoint((_, count) =>
      Effect.as(
        Deferred.await(gate),
        count === 1 ? json({ error: "invalid_client" }, 401) : token(`token-${count}`)
      )
    )
    return Effect.gen(function*() {
      const provider = yield* OAuth2.clientCredentials(client)
      const waiting = yield* Effect.forEach(
        [1, 2, 3],
        () => Effect.forkChild(Effect.flip(provider.accessToken), { startImmediately: true })
      )
      yield* Effect.yieldNow
      yield* Deferred.succeed(gate, undefined)
      for (const fiber of waiting) assert.strictEqual((yield* Fiber.join(fiber)).error, "invalid_client")
      assert.strictEqual(server.requests.length, 1)
      const both = yield* Effect.all([value(provider), value(provider)], { concurrency: 2 })
      assert.deepStrictEqual(both, ["token-2", "token-2"])
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("that nobody waits for any more is read all the same: the new refresh token is not lost", () => {
    const gate = Deferred.makeUnsafe<void>()
    const server = endpoint((_, count) =>
      Effect.as(Deferred.await(gate), token(`token-${count}`, { refresh_token: `refresh-${count}` }))
    )
    return Effect.gen(function*() {
      const stored: Array<string> = []
      const provider = yield* OAuth2.refreshToken({
        ...refresh,
        onRefreshToken: (next) => Effect.sync(() => void stored.push(Redacted.value(next)))
      })
      const waiting = yield* Effect.forkChild(provider.accessToken, { startImmediately: true })
      yield* Effect.yieldNow
      yield* Fiber.interrupt(waiting)
      const next = yield* Effect.forkChild(value(provider), { startImmediately: true })
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(next), "token-1")
      assert.deepStrictEqual(stored, ["refresh-1"])
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("is forgotten on request", () => {
    const server = counting()
    return Effect.gen(function*() {
      const provider = yield* OAuth2.clientCredentials(client)
      yield* value(provider)
      yield* provider.invalidate
      assert.strictEqual(yield* value(provider), "token-2")
    }).pipe(Effect.provide(server.layer))
  })
})

describe("a refresh token", () => {
  it.effect("that the endpoint replaces is replaced, and offered to be stored first (RFC 6749 §6)", () => {
    const server = endpoint((_, count) =>
      token(`token-${count}`, count === 2 ? {} : { refresh_token: `refresh-${count}` })
    )
    return Effect.gen(function*() {
      const stored: Array<string> = []
      const provider = yield* OAuth2.refreshToken({
        ...refresh,
        scope: "mail offline",
        onRefreshToken: (next) => Effect.sync(() => void stored.push(Redacted.value(next)))
      })
      for (let time = 0; time < 4; time++) {
        yield* value(provider)
        yield* provider.invalidate
      }
      assert.deepStrictEqual(server.requests.map(({ form }) => form["refresh_token"]), [
        "refresh-0",
        "refresh-1",
        "refresh-1",
        "refresh-3"
      ])
      assert.deepStrictEqual(server.requests[0]?.form, {
        grant_type: "refresh_token",
        refresh_token: "refresh-0",
        scope: "mail offline",
        client_id: "app",
        client_secret: "client-s3cret"
      })
      assert.deepStrictEqual(stored, ["refresh-1", "refresh-3", "refresh-4"])
    }).pipe(Effect.provide(server.layer))
  })

  for (
    const [how, store] of [
      ["fails", Effect.fail("refresh-1")],
      ["dies", Effect.die("refresh-1")],
      ["hangs", Effect.never]
    ] as const
  ) {
    it.effect(`whose storing ${how} is used nevertheless`, () => {
      const server = endpoint((_, count) => token(`token-${count}`, { refresh_token: `refresh-${count}` }))
      return Effect.gen(function*() {
        const provider = yield* OAuth2.refreshToken({ ...refresh, onRefreshToken: () => store })
        const asked = yield* Effect.forkChild(value(provider), { startImmediately: true })
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* Fiber.join(asked), "token-1")
        yield* provider.invalidate
        yield* Effect.forkChild(value(provider), { startImmediately: true })
        yield* Effect.yieldNow
        assert.strictEqual(server.requests[1]?.form["refresh_token"], "refresh-1")
      }).pipe(Effect.provide(server.layer))
    })
  }
})

describe("the client", () => {
  it.effect("says its secret in a header where that is asked for, encoded twice (RFC 6749 §2.3.1)", () => {
    const server = counting()
    return Effect.gen(function*() {
      yield* value(
        yield* OAuth2.clientCredentials({
          tokenEndpoint,
          clientId: "my app",
          clientSecret: Redacted.make("a:b+c é"),
          clientAuthentication: "header"
        })
      )
      assert.deepStrictEqual(server.requests, [{
        url: tokenEndpoint,
        authorization: `Basic ${Buffer.from("my+app:a%3Ab%2Bc+%C3%A9").toString("base64")}`,
        form: { grant_type: "client_credentials" }
      }])
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("may be a public one, with a refresh token alone", () => {
    const server = counting()
    return Effect.gen(function*() {
      yield* value(yield* OAuth2.refreshToken({ tokenEndpoint, clientId: "app", refreshToken: Redacted.make("r") }))
      assert.deepStrictEqual(server.requests[0]?.form, {
        grant_type: "refresh_token",
        refresh_token: "r",
        client_id: "app"
      })
    }).pipe(Effect.provide(server.layer))
  })
})

const pem = (key: KeyObject, type: "pkcs8" | "pkcs1" | "sec1") => key.export({ format: "pem", type }).toString()
const read = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, "base64url").toString())
const decoded = (assertion = "") => {
  const [head = "", claims = "", signature = ""] = assertion.split(".")
  return { head: read(head), claims: read(claims), signed: `${head}.${claims}`, signature }
}
const isSigned = (assertion: string | undefined, key: KeyObject, alg: string) => {
  const { signature, signed } = decoded(assertion)
  const options = alg === "ES256" ? { dsaEncoding: "ieee-p1363" as const } : alg === "PS256"
    ? { padding: 6, saltLength: 32 }
    : {}
  return verify("sha256", Buffer.from(signed), { key, ...options }, Buffer.from(signature, "base64url"))
}
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let rsaPair: { readonly privateKey: KeyObject; readonly publicKey: KeyObject } | undefined
const rsa = () => rsaPair ??= generateKeyPairSync("rsa", { modulusLength: 2048 })
const ec = () => generateKeyPairSync("ec", { namedCurve: "P-256" })

describe("a signed assertion (RFC 7523)", () => {
  for (
    const [algorithm, type, pair] of [
      ["RS256", "pkcs8", rsa],
      ["RS256", "pkcs1", rsa],
      ["PS256", "pkcs8", rsa],
      ["ES256", "pkcs8", ec],
      ["ES256", "sec1", ec]
    ] as const
  ) {
    it.effect(`is a grant, by ${algorithm} with a key in ${type}`, () => {
      const server = counting()
      const { privateKey, publicKey } = pair()
      return Effect.gen(function*() {
        yield* TestClock.adjust("1000 seconds")
        const provider = yield* OAuth2.jwtBearer({
          tokenEndpoint,
          issuer: "me",
          subject: "ann@mail.test",
          scope: "mail",
          key: { privateKey: Redacted.make(pem(privateKey, type)), algorithm, keyId: "k1" },
          claims: { extra: true }
        })
        yield* value(provider)
        yield* provider.invalidate
        yield* value(provider)
        const [first, second] = server.requests
        assert.deepStrictEqual({ ...first?.form, assertion: "" }, {
          grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
          assertion: "",
          scope: "mail"
        })
        const { claims, head } = decoded(first?.form["assertion"])
        assert.deepStrictEqual(head, { alg: algorithm, typ: "JWT", kid: "k1" })
        assert.deepStrictEqual({ ...claims, jti: "" }, {
          extra: true,
          iss: "me",
          sub: "ann@mail.test",
          aud: tokenEndpoint,
          iat: 1000,
          exp: 1300,
          jti: ""
        })
        assert.match(String(claims["jti"]), uuid)
        assert.notStrictEqual(decoded(second?.form["assertion"]).claims["jti"], claims["jti"])
        assert.isTrue(isSigned(first?.form["assertion"], publicKey, algorithm))
        assert.isFalse(isSigned(first?.form["assertion"], pair === rsa ? ec().publicKey : pair().publicKey, algorithm))
      }).pipe(Effect.provide(server.layer))
    })
  }

  it.effect("is how a Google service account asks in the name of a user", () => {
    const server = counting()
    const { privateKey, publicKey } = rsa()
    const file = {
      type: "service_account",
      client_email: "mailer@project.iam.gserviceaccount.com",
      private_key: pem(privateKey, "pkcs8"),
      private_key_id: "abc",
      token_uri: "https://oauth2.googleapis.com/token"
    }
    return Effect.gen(function*() {
      yield* value(
        yield* OAuth2.google({ serviceAccount: Redacted.make(JSON.stringify(file)), user: "ann@mail.test" })
      )
      const [request] = server.requests
      assert.strictEqual(request?.url, "https://oauth2.googleapis.com/token")
      assert.deepStrictEqual(Object.keys(request?.form ?? {}), ["grant_type", "assertion"])
      const { claims, head } = decoded(request?.form["assertion"])
      assert.deepStrictEqual(head, { alg: "RS256", typ: "JWT", kid: "abc" })
      assert.deepStrictEqual({ ...claims, jti: "" }, {
        scope: "https://mail.google.com/",
        iss: "mailer@project.iam.gserviceaccount.com",
        sub: "ann@mail.test",
        aud: "https://oauth2.googleapis.com/token",
        iat: 0,
        exp: 300,
        jti: ""
      })
      assert.isTrue(isSigned(request?.form["assertion"], publicKey, "RS256"))
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("is how an application with a certificate logs in at Microsoft 365, as with a secret", () => {
    const server = counting()
    const { privateKey, publicKey } = rsa()
    return Effect.gen(function*() {
      yield* value(
        yield* OAuth2.microsoft({
          tenant: "contoso.onmicrosoft.com",
          clientId: "app",
          clientKey: {
            privateKey: Redacted.make(pem(privateKey, "pkcs8")),
            algorithm: "PS256",
            certificateSha256: Array.from({ length: 32 }, () => "AB").join(":")
          }
        })
      )
      yield* value(
        yield* OAuth2.microsoft({ tenant: "common", clientId: "app", clientSecret: Redacted.make("client-s3cret") })
      )
      const [byKey, bySecret] = server.requests
      assert.strictEqual(byKey?.url, "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token")
      assert.deepStrictEqual({ ...byKey?.form, client_assertion: "" }, {
        grant_type: "client_credentials",
        scope: "https://outlook.office365.com/.default",
        client_id: "app",
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: ""
      })
      const { claims, head } = decoded(byKey?.form["client_assertion"])
      assert.deepStrictEqual(head, {
        alg: "PS256",
        typ: "JWT",
        "x5t#S256": Buffer.alloc(32, 0xab).toString("base64url")
      })
      assert.deepStrictEqual([claims["iss"], claims["sub"], claims["aud"]], ["app", "app", byKey?.url])
      assert.isTrue(isSigned(byKey?.form["client_assertion"], publicKey, "PS256"))
      assert.deepStrictEqual(bySecret?.form, {
        grant_type: "client_credentials",
        scope: "https://outlook.office365.com/.default",
        client_id: "app",
        client_secret: "client-s3cret"
      })
    }).pipe(Effect.provide(server.layer))
  })
})

describe("what the endpoint says", () => {
  const failing = Effect.fnUntraced(function*(answer: Answer) {
    const server = endpoint(() => answer)
    return yield* Effect.flatMap(OAuth2.refreshToken(refresh), (provider) => Effect.flip(provider.accessToken)).pipe(
      Effect.provide(server.layer)
    )
  })
  for (
    const [name, answer, message, transient] of [
      [
        "a refusal",
        json({ error: "invalid_grant", error_description: "Token of ann@mail.test\u001b was revoked." }, 400),
        "login.test gives no OAuth2 token: invalid_grant: Token of a***@mail.test\\x1b was revoked. (HTTP 400)",
        false
      ],
      [
        "a refusal without reasons",
        new Response("<html>", { status: 403 }),
        "login.test gives no OAuth2 token: it does not say why (HTTP 403)",
        false
      ],
      [
        "a refusal as a success",
        json({ error: "temporarily_unavailable" }),
        "login.test gives no OAuth2 token: temporarily_unavailable (HTTP 200)",
        true
      ],
      [
        "an error of its own",
        new Response("", { status: 503 }),
        "login.test gives no OAuth2 token: it does not say why (HTTP 503)",
        true
      ],
      [
        "too many requests",
        json({ error: "slow_down" }, 429),
        "login.test gives no OAuth2 token: slow_down (HTTP 429)",
        true
      ],
      [
        "a redirect",
        new Response("", { status: 307, headers: { location: "https://elsewhere.test/" } }),
        "login.test gives no OAuth2 token: it points elsewhere, which is not followed; is tokenEndpoint right? (HTTP 307)",
        false
      ],
      [
        "no JSON",
        new Response("token-1"),
        "login.test gives no OAuth2 token that can be used: its answer is no JSON object (HTTP 200)",
        false
      ],
      [
        "JSON without a token",
        json({ token: "token-1" }),
        "login.test gives no OAuth2 token that can be used: its answer has no access_token (HTTP 200)",
        false
      ],
      [
        "a token of another kind",
        json({ access_token: "t", token_type: "mac" }),
        "login.test gives no OAuth2 token that can be used: its token is none for a bearer (token_type) (HTTP 200)",
        false
      ],
      [
        "too much",
        new Response("x".repeat(70_000)),
        "login.test gives no OAuth2 token that can be used: its answer is longer than 65536 octets",
        false
      ],
      [
        "nothing",
        Effect.fail({ message: "fetch failed", cause: { code: "ECONNREFUSED", secret: "client-s3cret" } }),
        "login.test could not be asked for an OAuth2 token: connection refused",
        true
      ],
      [
        "nothing, for reasons of its own",
        Effect.fail("client-s3cret"),
        "login.test could not be asked for an OAuth2 token: the request failed",
        true
      ],
      [
        "a defect",
        Effect.die("client-s3cret"),
        "login.test could not be asked for an OAuth2 token: the request failed",
        true
      ]
    ] as ReadonlyArray<readonly [string, Answer, string, boolean]>
  ) {
    it.effect(`is told in words: ${name}`, () =>
      Effect.gen(function*() {
        const error = yield* failing(answer)
        assert.instanceOf(error, OAuth2Error)
        assert.deepStrictEqual([error.message, error.isTransient], [message, transient])
      }))
  }

  it.effect("is waited for, for 30 seconds", () => {
    const server = endpoint(() => Effect.never)
    return Effect.gen(function*() {
      const provider = yield* OAuth2.clientCredentials(client)
      const asked = yield* Effect.forkChild(Effect.flip(provider.accessToken), { startImmediately: true })
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(
        (yield* Fiber.join(asked)).message,
        "login.test could not be asked for an OAuth2 token: no answer within 30s"
      )
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("from elsewhere is not asked for: fetch is told to follow no redirect, and keeps what else it was told", () => {
    const seen: Array<RequestInit | undefined> = []
    const fetch = (_: unknown, init?: RequestInit) => {
      seen.push(init)
      return Promise.resolve(token("token-1"))
    }
    return Effect.gen(function*() {
      assert.strictEqual(yield* value(yield* OAuth2.clientCredentials(client)), "token-1")
      assert.deepStrictEqual(seen.map((init) => [init?.redirect, init?.keepalive]), [["manual", true]])
    }).pipe(
      Effect.provide(Layer.merge(FetchHttpClient.layer, TestPlatform.layer)),
      Effect.provideService(FetchHttpClient.Fetch, fetch),
      Effect.provideService(FetchHttpClient.RequestInit, { keepalive: true })
    )
  })
})

describe("options that cannot be", () => {
  const key = { privateKey: Redacted.make("-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----") }
  const bearer = { tokenEndpoint, issuer: "me", key }
  for (
    const [what, made, problem] of [
      ["no URL", OAuth2.clientCredentials({ ...client, tokenEndpoint: "s3cret" }), "tokenEndpoint is not a URL"],
      [
        "clear text",
        OAuth2.clientCredentials({ ...client, tokenEndpoint: "http://login.test/s3cret" }),
        "tokenEndpoint is not https: secrets are not sent in clear text"
      ],
      [
        "a user in the URL",
        OAuth2.clientCredentials({ ...client, tokenEndpoint: "https://a:s3cret@login.test/" }),
        "tokenEndpoint has a user or password in it; give clientId and clientSecret"
      ],
      [
        "no secret",
        OAuth2.clientCredentials({ tokenEndpoint, clientId: "app" }),
        "clientSecret or clientKey is missing"
      ],
      [
        "two secrets",
        OAuth2.clientCredentials({ ...client, clientKey: key }),
        "clientSecret and clientKey are both given"
      ],
      [
        "no key",
        OAuth2.jwtBearer(bearer),
        "privateKey is no key for RS256 in PEM (PKCS#8, PKCS#1), without passphrase"
      ],
      [
        "no EC key",
        OAuth2.jwtBearer({ ...bearer, key: { ...key, algorithm: "ES256" } }),
        "privateKey is no key for ES256 in PEM (PKCS#8, SEC1), without passphrase"
      ],
      [
        "no fingerprint",
        OAuth2.jwtBearer({ ...bearer, key: { ...key, certificateSha256: "AB:CD" } }),
        "certificateSha256 is no SHA-256 in hex (64 digits)"
      ],
      [
        "no account",
        OAuth2.google({ serviceAccount: Redacted.make("{\"s3cret\":1}"), user: "a" }),
        "serviceAccount is no key file of a service account (JSON with client_email and private_key)"
      ],
      [
        "no JSON",
        OAuth2.google({ serviceAccount: Redacted.make("s3cret"), user: "a" }),
        "serviceAccount is no key file of a service account (JSON with client_email and private_key)"
      ],
      ["no tenant", OAuth2.microsoft({ ...client, tenant: "a/../b" }), "tenant is no id and no domain"]
    ] as const
  ) {
    it.effect(`are told when the provider is made, and not repeated: ${what}`, () => {
      const server = counting()
      return Effect.gen(function*() {
        const error = yield* Effect.flip(made)
        assert.deepStrictEqual([error.kind, error.problem], ["Configuration", problem])
        assert.notInclude(Object.values(show("error", error)).join(), "s3cret")
        assert.deepStrictEqual(server.requests, [])
      }).pipe(Effect.provide(server.layer))
    })
  }
  it.effect("do not concern an endpoint on this machine, which may speak plain HTTP", () => {
    const server = counting()
    return Effect.gen(function*() {
      for (const host of ["127.0.0.1:8080", "localhost", "[::1]"]) {
        yield* value(yield* OAuth2.clientCredentials({ ...client, tokenEndpoint: `http://${host}/token` }))
      }
    }).pipe(Effect.provide(server.layer))
  })
})

const greeting = (mechanism: string) => `
  S: 220 mail.test
  C: EHLO client.test
  S: 250-mail.test
  S: 250 AUTH ${mechanism}
`
const bye = "C: QUIT\nS: 221 Bye\n"
const refusal = (mechanism: string) => `
  C: AUTH ${mechanism} ${stars}
  S: 334 e30=
  C: ${mechanism === "XOAUTH2" ? "" : "AQ=="}
  S: 535 5.7.8 Expired
`
const taken = (mechanism: string) => `C: AUTH ${mechanism} ${stars}\nS: 235 Ok\n`
const transporter = Effect.fnUntraced(function*() {
  const provider = yield* OAuth2.clientCredentials(client)
  const transporter = yield* Transporter.make({
    host: "mail.test",
    port: 465,
    name: "client.test",
    user: "ann@mail.test",
    accessTokenOAuth2: provider.accessToken
  })
  return { provider, transporter }
})
const layer = (server: ReturnType<typeof endpoint>, ...scripts: ReadonlyArray<string>) =>
  Layer.mergeAll(Script.layer(scripts.map((script) => Script.fromText(script))), SmtpLog.layerMemory).pipe(
    Layer.provideMerge(server.layer)
  )
const finished = Effect.flatMap(Script.ScriptServer, (server) => server.assertFinished)

describe("at a mail server", () => {
  for (const mechanism of ["XOAUTH2", "OAUTHBEARER"]) {
    it.effect(`a refused token of the cache is renewed once, on the same connection (${mechanism})`, () => {
      const server = counting()
      return Effect.gen(function*() {
        const { transporter: mail } = yield* transporter()
        yield* mail.checkConnection
        yield* mail.checkConnection
        assert.strictEqual(server.requests.length, 2)
        yield* finished
      }).pipe(
        Effect.scoped,
        Effect.provide(layer(
          server,
          `${greeting(mechanism)}${taken(mechanism)}${bye}`,
          `${greeting(mechanism)}${refusal(mechanism)}${taken(mechanism)}${bye}`
        ))
      )
    })

    it.effect(`the refusal of a fresh token is final (${mechanism})`, () => {
      const server = counting()
      return Effect.gen(function*() {
        const { transporter: mail } = yield* transporter()
        const error = yield* Effect.flip(mail.checkConnection)
        assert.strictEqual(error.reason._tag, "AuthenticationFailed")
        assert.strictEqual(server.requests.length, 1)
        yield* finished
      }).pipe(
        Effect.scoped,
        Effect.provide(layer(server, `${greeting(mechanism)}${refusal(mechanism)}${bye}`))
      )
    })
  }

  it.effect("a token that another session has renewed meanwhile is taken, and none asked for", () => {
    const server = counting()
    return Effect.gen(function*() {
      const provider = yield* OAuth2.clientCredentials(client)
      const asked = (refused?: string) =>
        value(provider).pipe(
          refused === undefined ? (self) => self : Effect.provideService(Sasl.Refused, Redacted.make(refused))
        )
      yield* asked()
      yield* asked()
      assert.strictEqual(yield* asked("token-1"), "token-2")
      assert.strictEqual(yield* asked("token-1"), "token-2")
      assert.strictEqual(server.requests.length, 2)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("nobody is dialled without a token, and the error has the endpoint's words", () => {
    const server = endpoint((_, count) =>
      count === 1
        ? json({ error: "invalid_client", error_description: "AADSTS7000215: bad secret client-s3cret" }, 401)
        : new Response("", { status: 503 })
    )
    return Effect.gen(function*() {
      const { transporter: mail } = yield* transporter()
      const error = yield* Effect.flip(mail.checkConnection)
      assert.strictEqual(
        error.message,
        `the password or token could not be had: login.test gives no OAuth2 token: invalid_client: AADSTS7000215: bad secret ${stars} (HTTP 401)`
      )
      assert.deepStrictEqual([error.reason._tag, error.phase, error.isRetryable], [
        "CredentialsUnavailable",
        "auth",
        false
      ])
      assert.isTrue((yield* Effect.flip(mail.checkConnection)).isRetryable)
      const log = yield* Effect.flatMap(SmtpLog.LogMemory, (memory) => memory.text)
      assert.strictEqual(log, "")
    }).pipe(Effect.scoped, Effect.provide(layer(server, "-- silence\n")))
  })
})

/** One provider, asked twice, and everything that can be seen of it. */
const watched = (
  make: Effect.Effect<OAuth2.Provider, OAuth2Error, OAuth2.Requirements>,
  answer: (request: Request, count: number) => Answer
): Effect.Effect<Seen> =>
  watch(
    Effect.gen(function*() {
      const made = yield* Effect.exit(make)
      if (!Exit.isSuccess(made)) return showExit(made)
      const seen: Seen = show("the provider", made.value)
      for (const time of ["first", "second"]) {
        const exit = yield* Effect.exit(made.value.accessToken)
        yield* made.value.invalidate
        for (const [place, text] of Object.entries(showExit(exit))) seen[`${time} ${place}`] = text
        const error = Option.getOrUndefined(Exit.findErrorOption(exit))
        if (error !== undefined) {
          Object.assign(seen, show(`${time} error`, error), { [`${time} message`]: error.message })
        }
      }
      return seen
    }).pipe(Effect.provide(endpoint(answer).layer))
  )

describe("secrets", () => {
  const { privateKey } = rsa()
  const grants = [
    ["refresh token", (secret: string) => OAuth2.refreshToken({ ...refresh, refreshToken: Redacted.make(secret) })],
    ["client secret", (secret: string) => OAuth2.refreshToken({ ...refresh, clientSecret: Redacted.make(secret) })],
    [
      "client secret in a header",
      (secret: string) =>
        OAuth2.clientCredentials({ ...client, clientSecret: Redacted.make(secret), clientAuthentication: "header" })
    ]
  ] as const

  for (const [name, make] of grants) {
    it.effect(`are not seen, whatever the endpoint echoes in whatever form: ${name}`, () =>
      Effect.gen(function*() {
        const secret = "zQ7-quartz/vexing&jumps"
        for (const form of forms(secret)) {
          const seen = yield* watched(
            make(secret),
            () => json({ error: "invalid_client", error_description: `No: ${form}!`, hint: form }, 400)
          )
          assert.deepStrictEqual(windowsIn(seen, secret), [])
        }
        assert.isNotEmpty(windowsIn({ there: secret }, secret))
      }))

    it.effect.prop(
      `are seen alike, two by two: ${name}`,
      [Schema.String.check(Schema.isMinLength(1)), Schema.String.check(Schema.isMinLength(1))],
      ([one, other]) =>
        Effect.gen(function*() {
          for (
            const answer of [
              () => json({ error: "invalid_grant", error_description: "No" }, 400),
              () => token("token-1"),
              () => Effect.fail({ message: "fetch failed" })
            ]
          ) {
            assert.deepStrictEqual(
              differences(yield* watched(make(one), answer), yield* watched(make(other), answer)),
              []
            )
          }
        }),
      { arbitrary: { runs: 30 } }
    )
  }

  it.effect("as tokens that the endpoint gives are not seen, nor when it repeats the last one", () =>
    Effect.gen(function*() {
      const secret = "zQ7-quartz/vexing&jumps"
      const seen = yield* watched(
        OAuth2.refreshToken(refresh),
        (_, count) =>
          count === 1
            ? token(secret, { refresh_token: `${secret}-2`, id_token: secret })
            : json({ error: "invalid_grant", error_description: `${secret}-2 is used up, and ${secret}` }, 400)
      )
      assert.include(seen["second message"] ?? "", stars)
      assert.deepStrictEqual(windowsIn(seen, secret), [])
    }))

  it.effect("as keys and assertions are not seen", () =>
    Effect.gen(function*() {
      const key = pem(privateKey, "pkcs8")
      const lines = key.split("\n").filter((line) => line.length > 40)
      let assertion = ""
      const seen = yield* watched(
        OAuth2.jwtBearer({ tokenEndpoint, issuer: "me", key: { privateKey: Redacted.make(key) } }),
        ({ form }) => {
          assertion = form["assertion"] ?? ""
          return json({ error: "invalid_grant", error_description: `bad assertion ${assertion}` }, 400)
        }
      )
      const all = Object.values(seen).join("\n")
      assert.isAbove(assertion.length, 100)
      assert.notInclude(all, assertion.slice(0, 30))
      assert.notInclude(all, assertion.slice(-30))
      for (const line of lines) assert.notInclude(all, line)
      assert.strictEqual(createPublicKey(createPrivateKey(key)).type, "public")
    }))

  it("are in no error of a transporter, whose message escapes the endpoint's words", () => {
    const reason = new SmtpError.CredentialsUnavailable({
      cause: new Error("x"),
      problem: "login.test gives no OAuth2 token: \u001b[2J of ann@mail.test"
    })
    const error = new SmtpError.SmtpError({
      reason,
      phase: "auth",
      delivery: "NotAccepted",
      recipients: [],
      conversation: []
    })
    assert.strictEqual(
      error.message,
      "the password or token could not be had: login.test gives no OAuth2 token: \\x1b[2J of a***@mail.test"
    )
  })
})
