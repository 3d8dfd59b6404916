/**
 * Authentication (RFC 4422): mechanisms, and which of them to try.
 *
 * A mechanism is a value that answers challenges; it never touches the wire, and all that it sends is `Redacted`. One
 * file each in `sasl/`: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), SCRAM (RFC 5802, RFC 7677, RFC 9266), XOAUTH2,
 * OAUTHBEARER (RFC 7628), EXTERNAL (RFC 4422), ANONYMOUS (RFC 4505).
 *
 * Not here: the AUTH command, base64, and the rule that a refused password is not offered again by a weaker mechanism.
 * They are the session's (RFC 4954).
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Result from "effect/Result"
import { anonymous } from "./sasl/anonymous.ts"
import { cramMd5 } from "./sasl/cramMd5.ts"
import { external } from "./sasl/external.ts"
import { login } from "./sasl/login.ts"
import { checkSecret, checkUser, make, type Mechanism, refuseFor, SaslError, type Secret } from "./sasl/mechanism.ts"
import { oauthBearer } from "./sasl/oauthBearer.ts"
import { plain } from "./sasl/plain.ts"
import {
  noChannelBinding,
  scramSha1,
  scramSha1Plus,
  scramSha256,
  scramSha256Plus,
  scramSha512,
  scramSha512Plus
} from "./sasl/scram.ts"
import { xoauth2 } from "./sasl/xoauth2.ts"

export {
  checkSecret,
  checkUser,
  type Context,
  make,
  makeNonce,
  type Mechanism,
  nonceOctets,
  SaslError,
  type Secret,
  type Services,
  type Start,
  type Step
} from "./sasl/mechanism.ts"
export { maxIterations, minIterations, type ScramOptions } from "./sasl/scram.ts"
export {
  anonymous,
  cramMd5,
  external,
  login,
  oauthBearer,
  plain,
  scramSha1,
  scramSha1Plus,
  scramSha256,
  scramSha256Plus,
  scramSha512,
  scramSha512Plus,
  xoauth2
}

/**
 * The password or token that the server has just refused, while the Effect that gave it is asked once more: who caches can
 * tell that very one from another that came meanwhile.
 */
export const Refused: Context.Reference<Secret | undefined> = Context.Reference<Secret | undefined>(
  "@colloquy/core/Sasl/Refused",
  { defaultValue: () => undefined }
)

/** What the user has to authenticate with. */
export interface Credentials {
  readonly user?: string | undefined
  readonly password?: Secret | undefined
  readonly token?: Secret | undefined
  /** A SASL name or 4D's `OAUTH2` (either of the two bearer mechanisms), in any case; or a mechanism of one's own. */
  readonly authenticationMode?: string | Mechanism | undefined
}

/** Why there is nothing to try; `AuthenticationUnavailable` takes it as it is. */
export interface Unavailable {
  /** "NotOffered": the server offers no authentication at all. */
  readonly kind: "NoCommonMechanism" | "NotOffered"
  readonly offered: ReadonlyArray<string>
  readonly allowed: ReadonlyArray<string>
}

/**
 * The mechanisms that these credentials allow, best first: with a token OAUTHBEARER and XOAUTH2; with a password
 * SCRAM (first those that bind the channel, then those that don't; SHA-512, -256, -1), CRAM-MD5, PLAIN, LOGIN.
 * EXTERNAL and ANONYMOUS only by `authenticationMode`. Empty where there is nothing to authenticate with.
 *
 * Pure, so that a transporter can refuse before it connects: a password with a line break, an unknown mode, a mode whose
 * credentials are missing. What only one mechanism cannot use is that mechanism's `refusal`.
 */
export const candidates = (credentials: Credentials): Result.Result<ReadonlyArray<Mechanism>, SaslError> => {
  const { authenticationMode: mode, password, token, user } = credentials
  if (typeof mode === "object") {
    const own = make(mode)
    return own.refusal === undefined ? Result.succeed([own]) : Result.fail(own.refusal)
  }
  const unusable = refuseFor(
    mode?.toUpperCase() ?? "AUTH",
    user === undefined ? undefined : checkUser(user),
    password === undefined ? undefined : checkSecret(password),
    token === undefined ? undefined : checkSecret(token)
  )
  if (unusable !== undefined) return Result.fail(unusable)
  return mode === undefined ? allOf(credentials) : named(mode.toUpperCase(), credentials)
}

/**
 * The mechanisms to try, in order, of those that the server offers; or why there are none. `channelBinding`: the
 * connection has one, so -PLUS can be used.
 */
export const select = (
  options: Credentials & { readonly offered: ReadonlyArray<string>; readonly channelBinding?: boolean | undefined }
): Result.Result<NonEmptyReadonlyArray<Mechanism>, Unavailable | SaslError> =>
  Result.flatMap(
    candidates(options),
    (candidates): Result.Result<NonEmptyReadonlyArray<Mechanism>, Unavailable | SaslError> => {
      const usable = candidates.filter(({ name }) => options.channelBinding === true || !name.endsWith("-PLUS"))
      const [first] = candidates
      if (first !== undefined && usable.length === 0) return Result.fail(noChannelBinding(first.name))
      const offered = new Set(options.offered.map((name) => name.toUpperCase()))
      const common = usable.filter(({ name }) => offered.has(name))
      return Arr.isReadonlyArrayNonEmpty(common) ? Result.succeed(common) : Result.fail({
        kind: offered.size === 0 ? "NotOffered" : "NoCommonMechanism",
        offered: Array.from(offered),
        allowed: usable.map(({ name }) => name)
      })
    }
  )

type PasswordMechanism = (options: { readonly user: string; readonly password: Secret }) => Mechanism

/** Best first. A -PLUS of a weaker hash goes before a stronger one without: only binding notices whoever cut it out. */
const passwordMechanisms: ReadonlyMap<string, PasswordMechanism> = new Map([
  ["SCRAM-SHA-512-PLUS", scramSha512Plus],
  ["SCRAM-SHA-256-PLUS", scramSha256Plus],
  ["SCRAM-SHA-1-PLUS", scramSha1Plus],
  ["SCRAM-SHA-512", scramSha512],
  ["SCRAM-SHA-256", scramSha256],
  ["SCRAM-SHA-1", scramSha1],
  ["CRAM-MD5", cramMd5],
  ["PLAIN", plain],
  ["LOGIN", login]
])

/** Is this one of ours, in any case? */
export const isKnown = (name: string): boolean => {
  const upper = name.toUpperCase()
  return passwordMechanisms.has(upper) || otherMechanisms.has(upper)
}

const otherMechanisms = new Set(["OAUTHBEARER", "XOAUTH2", "EXTERNAL", "ANONYMOUS"])

const allOf = (credentials: Credentials): Result.Result<ReadonlyArray<Mechanism>, SaslError> => {
  const { password, token, user } = credentials
  if (password !== undefined && user === undefined) return missing("AUTH", "the user name")
  if (user !== undefined && password === undefined && token === undefined) {
    return missing("AUTH", "the password (or access token)")
  }
  return Result.succeed([
    ...(token === undefined ? [] : [oauthBearer({ user, token })]),
    ...(token === undefined || user === undefined ? [] : [xoauth2({ user, token })]),
    ...(password === undefined || user === undefined
      ? []
      : Array.from(passwordMechanisms.values(), (mechanism) => mechanism({ user, password })))
  ])
}

const named = (mode: string, credentials: Credentials): Result.Result<ReadonlyArray<Mechanism>, SaslError> => {
  const { password, token, user } = credentials
  switch (mode) {
    case "OAUTH2":
    case "OAUTHBEARER":
    case "XOAUTH2": {
      if (token === undefined) return missing(mode, "the access token")
      if (mode === "OAUTHBEARER") return Result.succeed([oauthBearer({ user, token })])
      if (mode === "OAUTH2") return allOf({ user, token })
      return user === undefined ? missing(mode, "the user name") : Result.succeed([xoauth2({ user, token })])
    }
    case "EXTERNAL":
      return Result.succeed([external({ authorizationId: user })])
    case "ANONYMOUS":
      return Result.succeed([anonymous({ trace: user })])
  }
  const mechanism = passwordMechanisms.get(mode)
  if (mechanism === undefined) {
    return Result.fail(
      new SaslError({
        mechanism: JSON.stringify(mode.slice(0, 40)),
        problem: "no such authenticationMode; there are OAUTH2, OAUTHBEARER, XOAUTH2, EXTERNAL, ANONYMOUS, " +
          Array.from(passwordMechanisms.keys()).join(", "),
        kind: "unsupported"
      })
    )
  }
  if (user === undefined) return missing(mode, "the user name")
  return password === undefined ? missing(mode, "the password") : Result.succeed([mechanism({ user, password })])
}

const missing = (mechanism: string, what: string) =>
  Result.fail(new SaslError({ mechanism, problem: `${what} is missing`, kind: "credentials" }))
