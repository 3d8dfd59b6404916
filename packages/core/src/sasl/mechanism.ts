/**
 * What a SASL mechanism is (RFC 4422): a state and a step, and the error of both.
 *
 * Whatever a mechanism sends is `Redacted`, and `make` seals its state too: neither can be printed. A mechanism never
 * draws randomness, never reads a clock and never touches the wire: its nonce is an argument, and the session encodes
 * what it sends (UTF-8, then base64) and decodes what the server says (RFC 4954 §4).
 */
import type { Digest } from "effect/crypto/Digest"
import type { Kdf } from "effect/crypto/Kdf"
import type { Mac } from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * Why a mechanism cannot go on. Neither field ever quotes a secret or what the server said.
 *
 * `kind`, "protocol" when absent:
 * - "credentials": user, password or token cannot be used with this mechanism; nothing was sent.
 * - "unsupported": the connection or the platform lacks what the mechanism needs.
 * - "iterations": SCRAM's count is out of bounds; `limit` is the bound that it broke.
 * - "serverSignature": the server does not know the password either: not the server that it claims to be.
 * - "protocol": the server broke the mechanism's rules.
 */
export class SaslError extends Schema.TaggedError<SaslError>()("SaslError", {
  mechanism: Schema.String,
  problem: Schema.String,
  kind: Schema.optionalKey(
    Schema.Literals(["credentials", "unsupported", "iterations", "serverSignature", "protocol"])
  ),
  limit: Schema.optionalKey(Schema.Int),
  /** The challenge that the step refused is asterisks in the log (see `Step`). */
  secretChallenge: Schema.optionalKey(Schema.Boolean)
}) {
  override get message(): string {
    return `${this.mechanism}: ${this.problem}`
  }
}

/** What the steps of the built-in mechanisms need of a platform. */
export type Services = Digest | Kdf | Mac | SecureRandom.SecureRandom
export type Secret = Redacted.Redacted

/** What the session knows when it begins to authenticate. */
export interface Context {
  /** Fresh for each attempt (`makeNonce`); visible ASCII without comma (RFC 5802 §7, `printable`). */
  readonly nonce: string
  readonly host: string
  /** 0 for a Unix socket. */
  readonly port: number
  /** `tls-exporter` (RFC 9266), where the connection gives it: -PLUS */
  readonly channelBinding?: Uint8Array | undefined
  /** Mechanisms that the server offers, upper case: decides SCRAM's GS2 flag. */
  readonly offered?: ReadonlyArray<string> | undefined
}

/** `initial` absent: the server speaks first. An empty one is `=` in the AUTH line. */
export interface Start<S> {
  readonly state: S
  readonly initial?: Secret
}

/** One answer to one challenge. */
export interface Step<S> {
  readonly state: S
  /** The raw response: the session encodes it. */
  readonly response: Secret
  /** This challenge is asterisks in the log too (SCRAM's `v=` lets whoever reads it guess the password off line). */
  readonly secretChallenge?: boolean
  /** The response carries no secret and may be shown. Honoured for OAUTHBEARER's acknowledgement `\x01` only. */
  readonly public?: boolean
  /**
   * The challenge, decoded, where it says why the server is about to refuse: OAuth's JSON, SCRAM's `e=`. The refusal
   * itself comes as the final reply. These are the server's words: to be scrubbed and escaped before anybody sees them.
   */
  readonly failure?: string
}

/** A mechanism is a state and a step; whatever it sends is Redacted, so a custom one cannot leak either. */
export interface Mechanism<S = unknown> {
  readonly name: string
  /** The secret can be read from what is sent: last in the order of choice. (Without verified TLS no mechanism is used at all.) */
  readonly cleartext: boolean
  /**
   * What must not be seen where the server says it back, in any form. Absent: all that the mechanism sends; empty: it has
   * no secret. Whatever is sent is asterisks in the log in any case.
   */
  readonly secrets?: ReadonlyArray<Secret> | undefined
  /** Known before anything is said: these credentials cannot be used. A session that sees it sends nothing. */
  readonly refusal?: SaslError | undefined
  readonly start: (context: Context) => Start<S>
  step(state: S, challenge: Uint8Array): Effect.Effect<Step<S>, SaslError, Services>
  /** True when the server has proven itself, or need not: a 235 before that is an error (SCRAM). */
  complete(state: S): boolean
}

/**
 * Makes a mechanism, of one's own or ours: the name becomes upper case, the state is sealed. With a `refusal`, or a name
 * that is none (RFC 4422 §3.1), the result sends nothing and fails at its first step.
 */
export const make = <S>(mechanism: Mechanism<S>): Mechanism => {
  const name = mechanism.name.toUpperCase()
  const refusal = mechanism.refusal ?? (mechanismName.test(name) ? undefined : badName(name))
  return refusal === undefined ? seal(name, mechanism) : refused(name, mechanism.cleartext, refusal)
}

const mechanismName = /^[A-Z0-9_-]{1,20}$/

const badName = (name: string) =>
  new SaslError({
    mechanism: JSON.stringify(name.slice(0, 40)),
    problem: "a mechanism's name is 1 to 20 letters, digits, \"-\" and \"_\" (RFC 4422 §3.1)",
    kind: "unsupported"
  })

const seal = <S>(name: string, mechanism: Mechanism<S>): Mechanism<Redacted.Redacted<S>> => ({
  name,
  cleartext: mechanism.cleartext,
  secrets: mechanism.secrets,
  start: (context) => {
    const started = mechanism.start(context)
    return { ...started, state: Redacted.make(started.state) }
  },
  step: (state, challenge) =>
    Effect.suspend(() => mechanism.step(Redacted.value(state), challenge)).pipe(
      Effect.map((next) => ({ ...next, state: Redacted.make(next.state) }))
    ),
  complete: (state) => mechanism.complete(Redacted.value(state))
})

const refused = (name: string, cleartext: boolean, refusal: SaslError): Mechanism<undefined> => ({
  name,
  cleartext,
  refusal,
  start: () => ({ state: undefined }),
  step: () => Effect.fail(refusal),
  complete: () => false
})

/** Random octets in a nonce of `makeNonce`. */
export const nonceOctets = 24

/** A nonce for one attempt: base64, so 32 characters that SCRAM allows. */
export const makeNonce: Effect.Effect<string, never, SecureRandom.SecureRandom> = SecureRandom.SecureRandom.use(
  (random) => Effect.map(random.randomBytes(nonceOctets), Base64.encode)
)

/**
 * What no mechanism can carry in a password or token: CR, LF, NUL, and half of a surrogate pair, which has no UTF-8 form.
 * The sentence is the same for all of them, and for all secrets.
 */
export const checkSecret = (secret: Secret): string | undefined =>
  isText(Redacted.value(secret)) ? undefined : "the secret holds a line break, a NUL or text that has no UTF-8 form"

/** Likewise for a user name, which may not be empty either. */
export const checkUser = (user: string): string | undefined =>
  user === ""
    ? "the user name is empty"
    : isText(user)
    ? undefined
    : "the user name holds a line break, a NUL or text that has no UTF-8 form"

const isText = (text: string): boolean => !/[\r\n\0]/.test(text) && text.isWellFormed()

/** The first problem becomes the mechanism's refusal. */
export const refuseFor = (
  mechanism: string,
  ...problems: ReadonlyArray<string | undefined>
): SaslError | undefined => {
  const problem = problems.find((problem) => problem !== undefined)
  return problem === undefined ? undefined : new SaslError({ mechanism, problem, kind: "credentials" })
}

/** The server asks for more than the mechanism has to say. */
export const noMoreToSay = (mechanism: string): Effect.Effect<never, SaslError> =>
  Effect.fail(
    new SaslError({ mechanism, problem: "the server sent a challenge where none is due", kind: "protocol" })
  )
