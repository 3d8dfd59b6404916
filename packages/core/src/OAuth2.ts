/**
 * Access tokens for `accessTokenOAuth2` (XOAUTH2, OAUTHBEARER): asked for at a token endpoint, kept, renewed in time.
 *
 * A provider asks when somebody needs a token and it has none that is good for a while yet; who asks meanwhile waits for
 * the same answer, and a request once begun is read to its end, also when nobody waits any more: it may bring a new
 * refresh token. A token that a mail server refuses is renewed once, if it came from the cache; the refusal of a fresh one
 * is final (`Sasl.Refused` tells the two apart).
 *
 * Every token, secret, key and assertion is `Redacted`, and looked for in what the endpoint says before that is shown.
 * Endpoints are asked over https, loopback apart, and redirects are not followed.
 *
 * RFC 6749 (refresh token, client credentials), RFC 7523 (JWT as grant and as the client's login). It opens no browser: the
 * first consent of a user happens elsewhere and gives the refresh token.
 */
import * as Clock from "effect/Clock"
import { SecureRandom } from "effect/crypto/SecureRandom"
import { Signature } from "effect/crypto/Signature"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpClient } from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Endpoint from "./internal/oauth2/endpoint.ts"
import * as Jwt from "./internal/oauth2/jwt.ts"
import { OAuth2Error } from "./OAuth2Error.ts"
import * as Sasl from "./Sasl.ts"

export { OAuth2Error } from "./OAuth2Error.ts"
/** The private key that signs assertions. */
export type Key = Jwt.Key

/** What giving out tokens needs. `NodeColloquy.layer` has the cryptography, `FetchHttpClient.layer` an `HttpClient`. */
export type Requirements = HttpClient | Signature | SecureRandom

export interface Provider {
  /** A token that is good for a while yet: the value of `accessTokenOAuth2`. */
  readonly accessToken: Effect.Effect<Redacted.Redacted, OAuth2Error>
  /** Forgets the token: the next who asks gets a new one. */
  readonly invalidate: Effect.Effect<void>
}

export interface Options {
  /** `https://oauth2.googleapis.com/token`. */
  readonly tokenEndpoint: string
  /** With blanks between several. */
  readonly scope?: string | undefined
  /** A token is renewed so long before it expires, at half its life at the latest. Default 5 minutes. */
  readonly leeway?: Duration.Input | undefined
  /** How long an answer is waited for. Default 30 seconds. */
  readonly timeOut?: Duration.Input | undefined
}

/** How the client logs in at the endpoint. With neither secret nor key it only says who it is (a public client). */
export interface Client {
  readonly clientId: string
  readonly clientSecret?: Redacted.Redacted | undefined
  /** Where the secret is said (RFC 6749 §2.3.1). Default "body". */
  readonly clientAuthentication?: "body" | "header" | undefined
  /** An assertion instead of a secret (RFC 7523 §2.2). */
  readonly clientKey?: Key | undefined
}

export interface RefreshToken extends Options, Client {
  readonly refreshToken: Redacted.Redacted
  /**
   * Called with each new refresh token that the endpoint gives in the place of the old one (rotation), before the access
   * token is handed out. The provider uses it from then on; where it is not stored, it is lost with the program. A failure
   * is a warning.
   */
  readonly onRefreshToken?: ((refreshToken: Redacted.Redacted) => Effect.Effect<void, unknown>) | undefined
}

/** In the name of a user who consented (RFC 6749 §6). */
export const refreshToken = Effect.fnUntraced(function*(
  options: RefreshToken
): Effect.fn.Return<Provider, OAuth2Error, Requirements> {
  const { endpoint, login } = yield* prepare(options, options)
  let current = options.refreshToken
  return yield* provider(options, endpoint, {
    ask: Effect.map(login, ({ parameters, ...others }) => ({
      ...others,
      parameters: { grant_type: "refresh_token", refresh_token: current, scope: options.scope, ...parameters }
    })),
    answered: (answer) => {
      const next = answer.refreshToken
      if (next === undefined || Redacted.value(next) === Redacted.value(current)) return Effect.void
      current = next
      return Effect.suspend(() => options.onRefreshToken?.(next) ?? Effect.void).pipe(
        Effect.timeout(options.timeOut ?? defaultTimeOut),
        // whatever went wrong may hold the token
        Effect.catchCause(() => Effect.logWarning("OAuth2: the new refresh token could not be stored (onRefreshToken)"))
      )
    }
  })
})

/** In the client's own name (RFC 6749 §4.4). */
export const clientCredentials = Effect.fnUntraced(function*(
  options: Options & Client
): Effect.fn.Return<Provider, OAuth2Error, Requirements> {
  const { endpoint, login } = yield* prepare(options, options)
  if (options.clientSecret === undefined && options.clientKey === undefined) {
    return yield* wrong(endpoint.host, "clientSecret or clientKey is missing")
  }
  return yield* provider(options, endpoint, {
    ask: Effect.map(login, ({ parameters, ...others }) => ({
      ...others,
      parameters: { grant_type: "client_credentials", scope: options.scope, ...parameters }
    }))
  })
})

export interface JwtBearer extends Options {
  readonly issuer: string
  /** The user in whose name. Default: the issuer. */
  readonly subject?: string | undefined
  /** Default: the token endpoint. */
  readonly audience?: string | undefined
  readonly key: Key
  /** Claims besides iss, sub, aud, iat, exp, jti. */
  readonly claims?: { readonly [claim: string]: unknown } | undefined
}

/** By a signed assertion instead of a secret (RFC 7523 §2.1). */
export const jwtBearer = Effect.fnUntraced(function*(
  options: JwtBearer
): Effect.fn.Return<Provider, OAuth2Error, Requirements> {
  const endpoint = yield* Effect.fromResult(Endpoint.parse(options.tokenEndpoint))
  const signer = yield* Jwt.makeSigner(options.key, endpoint.host, yield* Signature, yield* SecureRandom)
  const claims: Jwt.Claims = {
    ...options.claims,
    iss: options.issuer,
    sub: options.subject ?? options.issuer,
    aud: options.audience ?? options.tokenEndpoint
  }
  return yield* provider(options, endpoint, {
    ask: Effect.gen(function*() {
      const assertion = yield* signer.sign(claims, yield* Clock.currentTimeMillis)
      return {
        parameters: { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion, scope: options.scope },
        secrets: []
      }
    })
  })
})

export interface Google extends Omit<Options, "tokenEndpoint"> {
  /** The service account's key file, as it is: JSON with `client_email` and `private_key`. */
  readonly serviceAccount: Redacted.Redacted
  /** The mailbox that is sent from; the service account needs domain-wide delegation for the scope. */
  readonly user: string
}

/** Google Workspace by a service account. Default scope `https://mail.google.com/`, which SMTP needs. */
export const google = Effect.fnUntraced(function*(
  options: Google
): Effect.fn.Return<Provider, OAuth2Error, Requirements> {
  const { scope = "https://mail.google.com/", serviceAccount, user, ...others } = options
  const account = yield* Effect.fromResult(accountOf(serviceAccount))
  return yield* jwtBearer({
    ...others,
    tokenEndpoint: account.tokenEndpoint,
    issuer: account.email,
    subject: user,
    key: { privateKey: account.privateKey, keyId: account.keyId },
    // Google reads it here and nowhere else
    claims: { scope }
  })
})

const accountOf = (file: Redacted.Redacted) => {
  const parsed = Result.try((): unknown => JSON.parse(Redacted.value(file)))
  const field = (name: string): string | undefined => {
    const value: unknown = Result.isSuccess(parsed) && typeof parsed.success === "object" && parsed.success !== null
      ? Reflect.get(parsed.success, name)
      : undefined
    return typeof value === "string" ? value : undefined
  }
  const [email, key] = [field("client_email"), field("private_key")]
  return email === undefined || key === undefined
    ? Result.fail(
      wrong("", "serviceAccount is no key file of a service account (JSON with client_email and private_key)")
    )
    : Result.succeed({
      email,
      privateKey: Redacted.make(key, { label: "private key" }),
      keyId: field("private_key_id"),
      tokenEndpoint: field("token_uri") ?? "https://oauth2.googleapis.com/token"
    })
}

export interface Microsoft extends Omit<Options, "tokenEndpoint">, Client {
  /** Its id or its domain, `contoso.onmicrosoft.com`. */
  readonly tenant: string
}

/**
 * Microsoft 365 by an application of one's own, with a secret or a certificate (`clientKey` with `algorithm: "PS256"` and
 * `certificateSha256`). Default scope `https://outlook.office365.com/.default`; the application needs `SMTP.SendAsApp`.
 */
export const microsoft = (options: Microsoft): Effect.Effect<Provider, OAuth2Error, Requirements> => {
  const { scope = "https://outlook.office365.com/.default", tenant, ...others } = options
  return /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(tenant)
    ? clientCredentials({
      ...others,
      scope,
      tokenEndpoint: `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`
    })
    : Effect.fail(wrong("", "tenant is no id and no domain"))
}

const wrong = (host: string, problem: string) => new OAuth2Error({ kind: "Configuration", host, problem })

const defaultTimeOut: Duration.Input = "30 seconds"
const defaultLeeway: Duration.Input = "5 minutes"
/** Milliseconds that a token is kept whose endpoint does not say how long it is good. */
const unknownLifetime = 600_000

const maxTold = 4

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/** The endpoint, and what the client says there of itself, anew for each request. */
const prepare = Effect.fnUntraced(function*(
  options: Options,
  client: Client
): Effect.fn.Return<
  { readonly endpoint: Endpoint.Endpoint; readonly login: Effect.Effect<Endpoint.Ask, OAuth2Error> },
  OAuth2Error,
  Requirements
> {
  const endpoint = yield* Effect.fromResult(Endpoint.parse(options.tokenEndpoint))
  const { clientAuthentication, clientId, clientKey, clientSecret } = client
  if (clientKey !== undefined) {
    if (clientSecret !== undefined) return yield* wrong(endpoint.host, "clientSecret and clientKey are both given")
    const signer = yield* Jwt.makeSigner(clientKey, endpoint.host, yield* Signature, yield* SecureRandom)
    const claims = { iss: clientId, sub: clientId, aud: options.tokenEndpoint }
    const login = Effect.gen(function*() {
      const assertion = yield* signer.sign(claims, yield* Clock.currentTimeMillis)
      return {
        parameters: { client_id: clientId, client_assertion_type: assertionType, client_assertion: assertion },
        secrets: []
      }
    })
    return { endpoint, login }
  }
  const inHeader = clientAuthentication === "header" && clientSecret !== undefined
  const login = Effect.succeed<Endpoint.Ask>(
    inHeader
      ? { parameters: {}, basic: { id: clientId, secret: clientSecret }, secrets: [clientSecret] }
      : { parameters: { client_id: clientId, client_secret: clientSecret }, secrets: [] }
  )
  return { endpoint, login }
})

interface Grant {
  readonly ask: Effect.Effect<Endpoint.Ask, OAuth2Error>
  readonly answered?: (answer: Endpoint.Answer) => Effect.Effect<void>
}

interface Kept {
  readonly token: Redacted.Redacted
  /** Milliseconds since the epoch. */
  readonly renewAt: number
  /** Somebody got it who did not wait for it. */
  isShared: boolean
}

const provider = Effect.fnUntraced(function*(
  options: Pick<Options, "leeway" | "timeOut">,
  endpoint: Endpoint.Endpoint,
  grant: Grant
): Effect.fn.Return<Provider, never, HttpClient> {
  const client = yield* HttpClient
  const leeway = Duration.toMillis(Duration.fromInputUnsafe(options.leeway ?? defaultLeeway))
  const timeOut = Duration.fromInputUnsafe(options.timeOut ?? defaultTimeOut)
  let kept: Kept | undefined
  /** The newest tokens, which the endpoint may repeat. */
  const told: Array<Redacted.Redacted> = []
  let asking: Deferred.Deferred<Redacted.Redacted, OAuth2Error> | undefined

  const renew = Effect.gen(function*() {
    const begun = yield* Clock.currentTimeMillis
    const ask = yield* grant.ask
    const given = yield* Endpoint.request(client, endpoint, { ...ask, secrets: [...ask.secrets, ...told] }).pipe(
      Effect.timeoutOrElse({
        duration: timeOut,
        orElse: () =>
          new OAuth2Error({
            kind: "Unreachable",
            host: endpoint.host,
            problem: `no answer within ${Duration.format(timeOut)}`
          })
      })
    )
    const { accessToken, lifetime = unknownLifetime, refreshToken } = given
    told.push(accessToken, ...(refreshToken === undefined ? [] : [refreshToken]))
    told.splice(0, told.length - maxTold)
    yield* grant.answered?.(given) ?? Effect.void
    kept = { token: accessToken, renewAt: begun + lifetime - Math.min(leeway, lifetime / 2), isShared: false }
    return accessToken
  }).pipe(Effect.withSpan("OAuth2.token"))

  /** On its own: whoever waits may be interrupted, the answer is read all the same. */
  const answer = Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
    if (asking !== undefined) return yield* restore(Deferred.await(asking))
    const next = Deferred.makeUnsafe<Redacted.Redacted, OAuth2Error>()
    asking = next
    yield* Effect.forkDetach(Effect.onExit(renew, (exit) => {
      asking = undefined
      return Deferred.done(next, exit)
    }))
    return yield* restore(Deferred.await(next))
  }))

  return {
    accessToken: Effect.gen(function*() {
      const refused = yield* Sasl.Refused
      const now = yield* Clock.currentTimeMillis
      if (kept !== undefined && refused !== undefined && Redacted.value(kept.token) === Redacted.value(refused)) {
        // nobody had it before: another would be refused as well
        if (!kept.isShared) return kept.token
        kept = undefined
      }
      if (kept !== undefined && now < kept.renewAt) {
        kept.isShared = true
        return kept.token
      }
      return yield* answer
    }),
    invalidate: Effect.sync(() => {
      kept = undefined
    })
  }
})
