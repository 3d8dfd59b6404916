/**
 * One request to a token endpoint and its answer (RFC 6749 §3.2, §5).
 *
 * What was sent and what came back never leaves here but as `Redacted` and as an `OAuth2Error` in words: the errors of
 * `HttpClient` hold the request, so they are read and dropped, and no span is made. Redirects are not followed: they would
 * carry the secrets elsewhere.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { explain } from "../../Connector.ts"
import { OAuth2Error } from "../../OAuth2Error.ts"
import { excerpt } from "../excerpt.ts"
import * as Octets from "../octets.ts"
import { makeScrub } from "../scrub.ts"

export interface Endpoint {
  readonly url: string
  readonly host: string
}

export type Parameters = { readonly [name: string]: string | Redacted.Redacted | undefined }

export interface Ask {
  readonly parameters: Parameters
  /** client_secret_basic (RFC 6749 §2.3.1). */
  readonly basic?: { readonly id: string; readonly secret: Redacted.Redacted } | undefined
  /** Looked for in what the endpoint says, besides the parameters that are `Redacted`. */
  readonly secrets: ReadonlyArray<Redacted.Redacted>
}

export interface Answer {
  readonly accessToken: Redacted.Redacted
  /** Milliseconds; undefined where the endpoint does not say. */
  readonly lifetime: number | undefined
  readonly refreshToken: Redacted.Redacted | undefined
}

/** In octets. A token is a few thousand. */
const maxAnswer = 65_536

const isLoopback = (host: string): boolean => host === "localhost" || host === "[::1]" || /^127\.[\d.]+$/.test(host)

/** Its text is not repeated where it is none: it may hold a secret. */
export const parse = (url: string): Result.Result<Endpoint, OAuth2Error> => {
  const parsed = URL.parse(url)
  const problem = parsed === null
    ? "tokenEndpoint is not a URL"
    : parsed.protocol !== "https:" && !(parsed.protocol === "http:" && isLoopback(parsed.hostname))
    ? "tokenEndpoint is not https: secrets are not sent in clear text"
    : parsed.username !== "" || parsed.password !== ""
    ? "tokenEndpoint has a user or password in it; give clientId and clientSecret"
    : undefined
  return parsed === null || problem !== undefined
    ? Result.fail(
      new OAuth2Error({ kind: "Configuration", host: parsed?.host ?? "", problem: problem ?? "" })
    )
    : Result.succeed({ url, host: parsed.host })
}

const codeOf = (cause: unknown, depth = 0): string | undefined => {
  if (typeof cause !== "object" || cause === null || depth > 3) return undefined
  if ("code" in cause && typeof cause.code === "string") return cause.code
  return "cause" in cause ? codeOf(cause.cause, depth + 1) : undefined
}

const unreachable = ({ host }: Endpoint, problem: string) => new OAuth2Error({ kind: "Unreachable", host, problem })

const transportWords = ({ reason }: HttpClientError): string => {
  const code = "cause" in reason ? codeOf(reason.cause) : undefined
  return code !== undefined && /^[A-Z0-9_]{1,60}$/.test(code) ? explain({ code }).problem : "the request failed"
}

const bodyOf = (response: HttpClientResponse) =>
  response.stream.pipe(
    Stream.runFoldEffect(
      () => ({ chunks: [] as Array<Uint8Array>, size: 0 }),
      (held, chunk) => {
        held.chunks.push(chunk)
        held.size += chunk.length
        return held.size > maxAnswer ? Effect.fail("TooLong" as const) : Effect.succeed(held)
      }
    ),
    Effect.map(({ chunks, size }) => {
      const whole = new Uint8Array(size)
      let at = 0
      for (const chunk of chunks) {
        whole.set(chunk, at)
        at += chunk.length
      }
      return Octets.decode(whole)
    })
  )

const form = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2)

/** RFC 6749 §2.3.1: as in a form, then as in RFC 7617. */
const basicOf = ({ id, secret }: NonNullable<Ask["basic"]>): string => {
  return Base64.encode(`${form(id)}:${form(Redacted.value(secret))}`)
}

export const request = Effect.fnUntraced(function*(
  client: HttpClient.HttpClient,
  endpoint: Endpoint,
  ask: Ask
): Effect.fn.Return<Answer, OAuth2Error> {
  const scrub = makeScrub()
  const basic = ask.basic === undefined ? undefined : basicOf(ask.basic)
  if (basic !== undefined) scrub.addLine(basic)
  const parameters: Array<readonly [string, string]> = []
  for (const [name, value] of Object.entries(ask.parameters)) {
    if (Redacted.isRedacted(value)) scrub.addSecret(Redacted.value(value))
    if (value !== undefined) parameters.push([name, Redacted.isRedacted(value) ? Redacted.value(value) : value])
  }
  for (const secret of ask.secrets) scrub.addSecret(Redacted.value(secret))
  const said = (text: string) => excerpt(scrub.scrub(text, true), 500)

  const { host, url } = endpoint
  const given = yield* Effect.serviceOption(FetchHttpClient.RequestInit)
  const { body, status } = yield* HttpClientRequest.post(url).pipe(
    HttpClientRequest.acceptJson,
    basic === undefined ? (self) => self : HttpClientRequest.setHeader("authorization", `Basic ${basic}`),
    HttpClientRequest.bodyUrlParams(parameters),
    client.execute,
    Effect.flatMap((response) => Effect.map(bodyOf(response), (body) => ({ body, status: response.status }))),
    Effect.mapError((error) =>
      error === "TooLong"
        ? new OAuth2Error({ kind: "Unreadable", host, problem: `its answer is longer than ${maxAnswer} octets` })
        : unreachable(endpoint, transportWords(error))
    ),
    Effect.catchDefect(() => unreachable(endpoint, "the request failed")),
    Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
    Effect.provideService(HttpClient.TracerPropagationEnabled, false),
    Effect.provideService(FetchHttpClient.RequestInit, { ...Option.getOrUndefined(given), redirect: "manual" })
  )

  const answer = objectOf(body)
  const text = (name: string): string | undefined => {
    const value = answer?.[name]
    return typeof value === "string" && value !== "" ? value : undefined
  }
  if (status < 200 || status > 299 || text("error") !== undefined) {
    const error = text("error")
    const description = text("error_description")
    return yield* new OAuth2Error({
      kind: "Refused",
      host,
      status,
      ...(error === undefined ? {} : { error: excerpt(said(error), 100) }),
      problem: description !== undefined
        ? said(description)
        : error !== undefined
        ? ""
        : status >= 300 && status < 400
        ? "it points elsewhere, which is not followed; is tokenEndpoint right?"
        : "it does not say why"
    })
  }
  const unreadable = (problem: string) => new OAuth2Error({ kind: "Unreadable", host, status, problem })
  const accessToken = text("access_token")
  if (answer === undefined) return yield* unreadable("its answer is no JSON object")
  if (accessToken === undefined) return yield* unreadable("its answer has no access_token")
  const type = text("token_type")
  if (type !== undefined && type.toLowerCase() !== "bearer") {
    return yield* unreadable("its token is none for a bearer (token_type)")
  }
  const seconds = Number(answer["expires_in"] ?? Number.NaN)
  const refreshToken = text("refresh_token")
  return {
    accessToken: Redacted.make(accessToken, { label: "access token" }),
    lifetime: seconds > 0 && seconds < 1e9 ? seconds * 1_000 : undefined,
    refreshToken: refreshToken === undefined ? undefined : Redacted.make(refreshToken, { label: "refresh token" })
  }
})

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const objectOf = (body: string): Readonly<Record<string, unknown>> | undefined => {
  const parsed = Result.try((): unknown => JSON.parse(body))
  return Result.isSuccess(parsed) && isObject(parsed.success) ? parsed.success : undefined
}
