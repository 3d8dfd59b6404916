/**
 * SCRAM-SHA-1, -256 and -512 and their -PLUS forms (RFC 5802, RFC 7677; SHA-512 by the same rules).
 *
 * Client and server prove to each other that they know the password, which does not travel. The mechanism is complete
 * only when the server's signature was verified. With -PLUS the proof covers the TLS session too (`tls-exporter`,
 * RFC 9266): nobody can stand between.
 *
 * Nothing is derived before the server's first message was checked in full: its iteration count is work that a stranger
 * asks us to do. Derived keys are not kept from one session to the next.
 */
import * as Digest from "effect/crypto/Digest"
import * as Kdf from "effect/crypto/Kdf"
import * as Mac from "effect/crypto/Mac"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import {
  checkSecret,
  checkUser,
  type Context,
  make,
  type Mechanism,
  noMoreToSay,
  refuseFor,
  SaslError,
  type Secret,
  type Step
} from "./mechanism.ts"
import { saslName } from "./saslName.ts"
import { saslprep } from "./saslprep.ts"

/** What every server must ask for at least (RFC 5802 §5.1 and RFC 7677 §4); less makes the password easy to guess. */
export const minIterations = 4_096

/** Bounds the work that a server can ask of us: about half a second of one core. */
export const maxIterations = 1_000_000

export interface ScramOptions {
  readonly user: string
  readonly password: Secret
  /** Act as somebody else than `user` (RFC 5802 §5.1, `a=`). */
  readonly authorizationId?: string | undefined
}

export const scramSha1 = (options: ScramOptions): Mechanism => scram("SCRAM-SHA-1", Mac.hmacSha1, options)
export const scramSha256 = (options: ScramOptions): Mechanism => scram("SCRAM-SHA-256", Mac.hmacSha256, options)
export const scramSha512 = (options: ScramOptions): Mechanism => scram("SCRAM-SHA-512", Mac.hmacSha512, options)
export const scramSha1Plus = (options: ScramOptions): Mechanism => scram("SCRAM-SHA-1-PLUS", Mac.hmacSha1, options)
export const scramSha256Plus = (options: ScramOptions): Mechanism =>
  scram("SCRAM-SHA-256-PLUS", Mac.hmacSha256, options)
export const scramSha512Plus = (options: ScramOptions): Mechanism =>
  scram("SCRAM-SHA-512-PLUS", Mac.hmacSha512, options)

type State =
  | { readonly _tag: "Impossible"; readonly error: SaslError }
  /** The client's first message was sent. */
  | {
    readonly _tag: "Started"
    readonly nonce: string
    readonly clientFirstBare: string
    /** The GS2 header and, with -PLUS, the channel's octets: what `c=` repeats. */
    readonly binding: Uint8Array
  }
  /** The client's proof was sent; this is what the server has to answer. */
  | { readonly _tag: "Proven"; readonly serverSignature: Uint8Array }
  | { readonly _tag: "Verified" }
  /** The server said `e=`; only its final reply may follow. */
  | { readonly _tag: "Refused" }

const scram = (name: string, algorithm: Mac.Algorithm, options: ScramOptions): Mechanism => {
  const { authorizationId } = options
  const user = saslprep(options.user)
  const password = Result.map(saslprep(Redacted.value(options.password)), (prepared) => Redacted.make(prepared))
  const refusal = refuseFor(
    name,
    checkUser(options.user),
    authorizationId === undefined ? undefined : checkUser(authorizationId),
    checkSecret(options.password),
    Result.isSuccess(user) && user.success !== "" ? undefined : cannotPrepare("user name"),
    Result.isSuccess(password) ? undefined : cannotPrepare("password")
  )
  if (refusal !== undefined || Result.isFailure(user) || Result.isFailure(password)) {
    return make<void>({
      name,
      cleartext: false,
      refusal,
      start: () => ({ state: undefined }),
      step: () => noMoreToSay(name),
      complete: () => false
    })
  }
  return make<State>({
    name,
    cleartext: false,
    secrets: [options.password, password.success],
    start: (context) => {
      const gs2 = gs2Header(name, context, authorizationId)
      if (gs2 instanceof SaslError) return { state: { _tag: "Impossible", error: gs2 } }
      const clientFirstBare = `n=${saslName(user.success)},r=${context.nonce}`
      return {
        state: {
          _tag: "Started",
          nonce: context.nonce,
          clientFirstBare,
          binding: isPlus(name)
            ? concat(utf8.encode(gs2), context.channelBinding ?? new Uint8Array())
            : utf8.encode(gs2)
        },
        initial: Redacted.make(gs2 + clientFirstBare)
      }
    },
    step: (state, challenge) => {
      switch (state._tag) {
        case "Impossible":
          return Effect.fail(state.error)
        case "Started":
          return prove(name, algorithm, password.success, state, challenge)
        case "Proven":
          return verify(name, state, challenge)
        case "Verified":
        case "Refused":
          return noMoreToSay(name)
      }
    },
    complete: (state) => state._tag === "Verified"
  })
}

const cannotPrepare = (what: string) =>
  `the ${what} holds characters that SCRAM cannot carry, such as control characters or a mix of writing directions ` +
  "(SASLprep, RFC 4013); change it, or set authenticationMode to \"PLAIN\", which sends it as it is"

const isPlus = (name: string): boolean => name.endsWith("-PLUS")

/**
 * `p` binds the channel; `y` says that we could have, so that a server whose -PLUS was cut out of its EHLO reply on the
 * way notices; `n` that we can't, or that the user chose against it (RFC 5802 §6).
 */
const gs2Header = (
  name: string,
  { channelBinding, nonce, offered }: Context,
  authorizationId: string | undefined
): string | SaslError => {
  if (!printable.test(nonce)) {
    return new SaslError({
      mechanism: name,
      problem: "the nonce must be visible ASCII without comma (RFC 5802 §7)",
      kind: "unsupported"
    })
  }
  const plus = isPlus(name)
  if (plus && channelBinding === undefined) return noChannelBinding(name)
  const flag = plus
    ? "p=tls-exporter"
    : channelBinding !== undefined && offered !== undefined && !offered.some(isPlus)
    ? "y"
    : "n"
  return `${flag},${authorizationId === undefined ? "" : `a=${saslName(authorizationId)}`},`
}

/** Why a -PLUS cannot be used here. */
export const noChannelBinding = (mechanism: string) =>
  new SaslError({
    mechanism,
    problem: "the connection has no channel binding (tls-exporter, RFC 9266): it takes TLS 1.3",
    kind: "unsupported"
  })

/** RFC 5802 §7 */
const printable = /^[\x21-\x2b\x2d-\x7e]+$/

/** The server's first message in, the client's proof out (RFC 5802 §3). */
const prove = Effect.fnUntraced(function*(
  name: string,
  algorithm: Mac.Algorithm,
  password: Secret,
  { binding, clientFirstBare, nonce }: State & { readonly _tag: "Started" },
  challenge: Uint8Array
): Effect.fn.Return<Step<State>, SaslError, Digest.Digest | Kdf.Kdf | Mac.Mac> {
  const text = yield* decode(challenge, protocol(name, noFirstMessage))
  const failure = serverError(text)
  if (failure !== undefined) return refusedByServer(failure)
  const serverFirst = parseServerFirst(name, nonce, text)
  if (Result.isFailure(serverFirst)) return yield* serverFirst.failure
  const { iterations, salt, serverNonce } = serverFirst.success
  const clientFinalBare = `c=${Base64.encode(binding)},r=${serverNonce}`
  const authMessage = utf8.encode(`${clientFirstBare},${text},${clientFinalBare}`)

  const { digest } = yield* Digest.Digest
  const { derive } = yield* Kdf.Kdf
  const { sign } = yield* Mac.Mac
  const hmac = (key: Uint8Array, data: Uint8Array) => Effect.flatMap(Mac.key(algorithm, key), (key) => sign(key, data))
  return yield* Effect.gen(function*() {
    const { hash } = algorithm
    const saltedPassword = yield* derive(Kdf.pbkdf2({ hash, iterations }), utf8.encode(Redacted.value(password)), {
      salt,
      length: hash.outputLength
    })
    const clientKey = yield* hmac(saltedPassword, utf8.encode("Client Key"))
    const clientSignature = yield* hmac(yield* digest(hash, clientKey), authMessage)
    const proof = clientKey.map((octet, index) => octet ^ (clientSignature[index] ?? 0))
    const serverKey = yield* hmac(saltedPassword, utf8.encode("Server Key"))
    return {
      state: { _tag: "Proven" as const, serverSignature: yield* hmac(serverKey, authMessage) },
      response: Redacted.make(`${clientFinalBare},p=${Base64.encode(proof)}`)
    }
  }).pipe(Effect.mapError((error) =>
    new SaslError({
      mechanism: name,
      problem: `this platform cannot do ${algorithm.hash.name} (${error.module}.${error.method}: ${error.reason._tag})`,
      kind: "unsupported"
    })
  ))
})

/** The server's last message: `v=` answered by an empty line once it is proven right, or `e=`. */
const verify = Effect.fnUntraced(function*(
  name: string,
  { serverSignature }: State & { readonly _tag: "Proven" },
  challenge: Uint8Array
): Effect.fn.Return<Step<State>, SaslError> {
  // Whatever comes now may hold the signature, misspelt or not.
  const text = yield* decode(challenge, protocol(name, noLastMessage, true))
  const failure = serverError(text)
  if (failure !== undefined) return refusedByServer(failure)
  const [verifier = "", ...extensions] = text.split(",")
  const signature = verifier.startsWith("v=") ? decodeBase64(verifier.slice(2)) : undefined
  if (signature === undefined || !extensions.every(isExtension)) {
    return yield* protocol(name, noLastMessage, true)
  }
  if (!Mac.timingSafeEqual(signature, serverSignature)) {
    return yield* new SaslError({
      mechanism: name,
      problem: "the server could not prove that it knows the password: it may not be the server that it says it is",
      kind: "serverSignature",
      secretChallenge: true
    })
  }
  return { state: { _tag: "Verified" }, response: Redacted.make(""), secretChallenge: true }
})

const refusedByServer = (failure: string): Step<State> => ({
  state: { _tag: "Refused" },
  response: Redacted.make(""),
  failure
})

const serverError = (text: string): string | undefined => text.startsWith("e=") ? text.slice(2) : undefined

interface ServerFirst {
  readonly serverNonce: string
  readonly salt: Uint8Array
  readonly iterations: number
}

/** RFC 5802 §7, `server-first-message`: attributes in this order, then extensions, which are ignored. */
const parseServerFirst = (name: string, nonce: string, text: string): Result.Result<ServerFirst, SaslError> => {
  const [r = "", s = "", i = "", ...extensions] = text.split(",")
  if ([r, s, i, ...extensions].some((attribute) => attribute.startsWith("m="))) {
    return Result.fail(protocol(name, "the server demands an extension that we don't know (m=, RFC 5802 §5.1)"))
  }
  if (!r.startsWith("r=") || !s.startsWith("s=") || !i.startsWith("i=") || !extensions.every(isExtension)) {
    return Result.fail(protocol(name, noFirstMessage))
  }
  const serverNonce = r.slice(2)
  if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length || !printable.test(serverNonce)) {
    return Result.fail(protocol(name, "the server's nonce does not extend ours: this answers somebody else's attempt"))
  }
  const salt = decodeBase64(s.slice(2))
  if (salt === undefined || salt.length === 0) {
    return Result.fail(protocol(name, "the server's salt is empty or no base64"))
  }
  if (!/^[1-9][0-9]*$/.test(i.slice(2))) {
    return Result.fail(protocol(name, "the server's iteration count is no positive number"))
  }
  const iterations = Number(i.slice(2))
  if (iterations < minIterations) {
    return Result.fail(
      new SaslError({
        mechanism: name,
        problem: `the server asks for fewer iterations than ${minIterations}: the password could be guessed`,
        kind: "iterations",
        limit: minIterations
      })
    )
  }
  if (iterations > maxIterations) {
    return Result.fail(
      new SaslError({
        mechanism: name,
        problem: `the server asks for more iterations than ${maxIterations}`,
        kind: "iterations",
        limit: maxIterations
      })
    )
  }
  return Result.succeed({ serverNonce, salt, iterations })
}

const isExtension = (attribute: string): boolean => /^[A-Za-z]=/.test(attribute)

const protocol = (mechanism: string, problem: string, secretChallenge?: boolean) =>
  new SaslError({
    mechanism,
    problem,
    kind: "protocol",
    ...(secretChallenge === true ? { secretChallenge } : undefined)
  })

const utf8 = new TextEncoder()
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

// What is no UTF-8 is told as what is no message: which of the two it is would tell something of a text that is not shown.
const noFirstMessage = "the server's first message is not r=, s=, i= (RFC 5802 §7)"
const noLastMessage = "the server's last message is no v= with base64 (RFC 5802 §7)"

const decode = (challenge: Uint8Array, error: SaslError): Effect.Effect<string, SaslError> =>
  Effect.try({ try: () => strictUtf8.decode(challenge), catch: () => error })

/** Canonical base64 only: no line breaks, and no bits beyond the last octet. */
const decodeBase64 = (text: string): Uint8Array | undefined => {
  const decoded = Base64.decode(text)
  return Result.isSuccess(decoded) && Base64.encode(decoded.success) === text ? decoded.success : undefined
}

const concat = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
