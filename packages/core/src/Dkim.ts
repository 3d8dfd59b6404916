/**
 * DKIM signatures (RFC 6376, RFC 8301, RFC 8463): made for messages that are sent, checked for tests and for people.
 *
 * Signing is the last thing that happens to a message: it is composed 7-bit (RFC 6376 §5.3) and the signature stands in
 * front of it, the same in every attempt. The body is hashed as it streams by. What can be read again is read twice; what
 * can't goes to a temporary file while it is hashed, and to memory only up to a limit. A private key is `Redacted` until it
 * is imported, and no error holds any of it.
 *
 * Nothing here asks the DNS: whoever verifies says where keys are found.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type { CryptoError } from "effect/crypto/CryptoError"
import * as KeyFormat from "effect/crypto/KeyFormat"
import * as Signature from "effect/crypto/Signature"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Canonical from "./internal/dkim/canonical.ts"
import * as Der from "./internal/dkim/der.ts"
import * as Tags from "./internal/dkim/tags.ts"
import * as Base64 from "./internal/mime/base64.ts"
import { concat } from "./internal/mime/bytes.ts"
import { fold } from "./internal/mime/field.ts"
import { headerLimit, makeBodyStart } from "./internal/mime/rawMessage.ts"
import * as Octets from "./internal/octets.ts"
import type { Hash } from "./internal/sha256.ts"
import * as Sha256 from "./internal/sha256.ts"
import { makeRepair } from "./internal/stuffing.ts"
import { MessageError } from "./MessageError.ts"

/**
 * How the octets of a body are hashed (SHA-256), piece by piece. By default in TypeScript; `NodeColloquy.layer` brings the
 * platform's own, which is several times faster.
 */
export const Hasher: Context.Reference<() => Hash> = Context.Reference("@colloquy/core/Dkim/Hasher", {
  defaultValue: () => Sha256.make
})

export type { Canonicalization } from "./internal/dkim/canonical.ts"
export type Algorithm = "rsa-sha256" | "ed25519-sha256"

export interface Options {
  /** The domain that answers for the message: `d=`. Its DNS holds the public key at `<selector>._domainkey.<domain>`. */
  readonly domain: string
  readonly selector: string
  /** RSA (PKCS#8 or PKCS#1, at least 1,024 bits) or Ed25519 (PKCS#8), in PEM. */
  readonly privateKey: Redacted.Redacted
  /** Of header fields and body; `relaxed` by default. */
  readonly headerCanonicalization?: Canonical.Canonicalization | undefined
  readonly bodyCanonicalization?: Canonical.Canonicalization | undefined
  /** On whose behalf: `i=`, such as `@news.example.com`; must be in `domain`. */
  readonly identity?: string | undefined
  /** How long the signature is good. By default without end. */
  readonly expires?: Duration.Input | undefined
  /** More fields to sign where they stand, besides those that RFC 6376 §5.4.1 proposes. */
  readonly headers?: ReadonlyArray<string> | undefined
}

/** Signs header sections. Several may sign one message, by different keys and algorithms. */
export interface Signer {
  readonly "~@colloquy/core/Dkim/Signer": unknown
  readonly domain: string
  readonly selector: string
  readonly algorithm: Algorithm
  readonly bodyCanonicalization: Canonical.Canonicalization
  /** The DKIM-Signature field, with its CRLF. `header`: the message's fields; `seconds`: now, since the epoch. */
  readonly sign: (
    header: string,
    bodyHash: Uint8Array,
    seconds: number
  ) => Effect.Effect<string, MessageError>
}

/** Signed once more than they stand, so that nobody can add one (RFC 6376 §8.15). */
const overSigned = ["from", "to", "cc", "reply-to", "subject", "date", "message-id", "mime-version", "content-type"]
/** Signed as often as they stand. */
const signed = [
  "sender",
  "in-reply-to",
  "references",
  "content-transfer-encoding",
  "auto-submitted",
  "list-id",
  "list-help",
  "list-unsubscribe",
  "list-unsubscribe-post",
  "list-subscribe",
  "list-post",
  "list-owner",
  "list-archive"
]

const domainName =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*$/

const decodeKey = (
  pem: string
): Effect.Effect<{ readonly key: Signature.PrivateKey; readonly ed25519: boolean }, CryptoError> => {
  const rsa = Signature.rsaPkcs1v15Sha256
  if (pem.includes("BEGIN RSA PRIVATE KEY")) {
    return Effect.map(
      KeyFormat.decodePrivate(KeyFormat.pem(KeyFormat.pkcs1), rsa, pem),
      (key) => ({ key, ed25519: false })
    )
  }
  const der = Encoding.decode(pem.replaceAll(/-----[^-]*-----|\s/g, ""))
  const pkcs8 = KeyFormat.pem(KeyFormat.pkcs8)
  return Result.isSuccess(der) && Der.isEd25519(der.success)
    ? Effect.map(KeyFormat.decodePrivate(pkcs8, Signature.ed25519, pem), (key) => ({ key, ed25519: true }))
    : Effect.map(KeyFormat.decodePrivate(pkcs8, rsa, pem), (key) => ({ key, ed25519: false }))
}

/** A signer for one domain and key. Fails where an option could not stand in a signature, or the key is none. */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Signer, MessageError, Signature.Signature> {
  const { domain, selector } = options
  const wrong = check(options)
  if (wrong !== undefined) return yield* Effect.fail(wrong)
  const service = yield* Signature.Signature
  const invalidKey = new MessageError({
    field: "dkim.privateKey",
    problem: "is no private key for RSA (PKCS#8 or PKCS#1) or Ed25519 (PKCS#8) in PEM"
  })
  const { ed25519, key } = yield* Effect.mapError(
    Effect.suspend(() => decodeKey(Redacted.value(options.privateKey))),
    () => invalidKey
  )
  const algorithm: Algorithm = ed25519 ? "ed25519-sha256" : "rsa-sha256"
  const headerForm = options.headerCanonicalization ?? "relaxed"
  const bodyForm = options.bodyCanonicalization ?? "relaxed"
  const lifetime = options.expires === undefined ? undefined : Math.floor(Duration.toSeconds(options.expires))
  const wanted = new Set([...overSigned, ...signed, ...(options.headers ?? []).map((name) => name.toLowerCase())])
  const twice = new Set(overSigned)
  return {
    "~@colloquy/core/Dkim/Signer": true,
    domain,
    selector,
    algorithm,
    bodyCanonicalization: bodyForm,
    sign: (header, bodyHash, seconds) => {
      const fields = Canonical.fields(header)
      const names: Array<string> = []
      for (const name of wanted) {
        const count = fields.filter((field) => field.name === name).length + (twice.has(name) ? 1 : 0)
        for (let i = 0; i < count; i++) names.push(name)
      }
      const unsigned = `${
        fold("DKIM-Signature", [
          "v=1;",
          `a=${algorithm};`,
          `c=${headerForm}/${bodyForm};`,
          `d=${domain};`,
          `s=${selector};`,
          ...(options.identity === undefined ? [] : [`i=${options.identity};`]),
          `t=${seconds};`,
          ...(lifetime === undefined ? [] : [`x=${seconds + lifetime};`]),
          ...names.map((name, i) => `${i === 0 ? "h=" : ""}${name}${i === names.length - 1 ? ";" : ":"}`),
          `bh=${Base64.encodeText(bodyHash)};`
        ])
      } b=`
      const data = signedData(headerForm, Canonical.select(fields, names), unsigned)
      return Effect.mapBoth(service.sign(key, ed25519 ? digest(data) : data), {
        onFailure: () => invalidKey,
        onSuccess: (octets) => `${unsigned}${Base64.encodeText(octets).replaceAll(/.{72}(?=.)/g, "$&\r\n ")}\r\n`
      })
    }
  }
})

const digest = (bytes: Uint8Array): Uint8Array => {
  const hash = Sha256.make()
  hash.update(bytes)
  return hash.digest()
}

const check = ({ domain, headers, identity, selector }: Options): MessageError | undefined => {
  if (!domainName.test(domain)) {
    return new MessageError({ field: "dkim.domain", problem: "is no domain name in ASCII", input: domain })
  }
  if (!domainName.test(selector)) {
    return new MessageError({ field: "dkim.selector", problem: "is no selector", input: selector })
  }
  if (identity !== undefined && !/^[\x21-\x3A\x3C\x3E-\x7E]*@[A-Za-z0-9._-]+$/.test(identity)) {
    return new MessageError({ field: "dkim.identity", problem: "must be like @example.com, in ASCII", input: identity })
  }
  if (identity !== undefined && !within(identity, domain)) {
    return new MessageError({
      field: "dkim.identity",
      problem: `must be in ${domain} (RFC 6376 §3.5)`,
      input: identity
    })
  }
  const bad = headers?.find((name) => !/^[\x21-\x39\x3C-\x7E]+$/.test(name))
  return bad === undefined
    ? undefined
    : new MessageError({ field: "dkim.headers", problem: "holds no field name", input: bad })
}

const within = (identity: string, domain: string): boolean => {
  const at = identity.slice(identity.lastIndexOf("@") + 1).toLowerCase()
  return at === domain.toLowerCase() || at.endsWith(`.${domain.toLowerCase()}`)
}

/** What is signed: the fields, each with CRLF, and the signature's own field without (RFC 6376 §3.7). */
const signedData = (
  form: Canonical.Canonicalization,
  fields: ReadonlyArray<Canonical.Field>,
  signature: string
): Uint8Array =>
  Octets.encode(
    [...fields, { name: "", text: signature }].map((field) => Canonical.header(form, field)).join("\r\n")
  )

/** What came of one signature. `pass`: the domain answers for this message as it is. */
export interface Verification {
  readonly domain: string | undefined
  readonly selector: string | undefined
  readonly algorithm: string | undefined
  readonly result: "pass" | "fail" | "permerror" | "temperror"
  /** Why it does not pass. */
  readonly problem: string | undefined
  /** The fields that are signed. */
  readonly headers: ReadonlyArray<string>
}

export interface VerifyOptions<R> {
  /** The texts of the TXT records at a name such as `brisbane._domainkey.example.com`. */
  readonly keys: (name: string) => Effect.Effect<ReadonlyArray<string>, unknown, R>
}

/** More signatures than this are not looked at. */
export const maxSignatures = 20

interface Claim {
  readonly tags: ReadonlyMap<string, string>
  readonly field: Canonical.Field
  readonly headerForm: Canonical.Canonicalization
  readonly bodyHash: Canonical.BodyHash
  readonly names: ReadonlyArray<string>
}

/** Every DKIM signature of a message, in order. Line ends are made right first, as they travel. */
export const verify = Effect.fnUntraced(function*<E, R>(
  message: Uint8Array | Stream.Stream<Uint8Array, E>,
  options: VerifyOptions<R>
): Effect.fn.Return<ReadonlyArray<Verification>, E | MessageError, R | Signature.Signature> {
  const now = yield* Clock.currentTimeMillis
  const hasher = yield* Hasher
  const finder = makeBodyStart()
  const head: Array<Uint8Array> = []
  let read = 0
  let header: string | undefined
  let claims: ReadonlyArray<Claim | Verification> = []
  const begin = (section: Uint8Array) => {
    header = Octets.decode(section)
    claims = Canonical.fields(header)
      .filter(({ name }) => name === "dkim-signature")
      .slice(0, maxSignatures)
      .map((field) => claim(field, hasher, now))
  }
  const body = (chunk: Uint8Array) => {
    for (const one of claims) if ("bodyHash" in one) one.bodyHash.update(chunk)
  }
  const push = (chunk: Uint8Array): MessageError | undefined => {
    if (header !== undefined) {
      body(chunk)
      return undefined
    }
    head.push(chunk)
    read += chunk.length
    const start = finder.push(chunk)
    if (start >= 0) {
      const all = concat(head)
      begin(all.subarray(0, start - 2))
      body(all.subarray(start))
    } else if (read > headerLimit) {
      return new MessageError({
        field: "message",
        problem: `the header section has no end within ${headerLimit} octets`
      })
    }
    return undefined
  }
  const repair = makeRepair()
  yield* Stream.runForEach(message instanceof Uint8Array ? Stream.make(message) : message, (chunk) => {
    const error = push(repair.push(chunk))
    return error === undefined ? Effect.void : Effect.fail(error)
  })
  const error = push(repair.end())
  if (error !== undefined) return yield* Effect.fail(error)
  if (header === undefined) begin(concat(head))
  const fields = Canonical.fields(header ?? "")
  return yield* Effect.forEach(
    claims,
    (one) => "bodyHash" in one ? judge(one, fields, options) : Effect.succeed(one)
  )
})

const forms: Readonly<Record<string, Canonical.Canonicalization>> = { simple: "simple", relaxed: "relaxed" }

/** Reads one signature, as far as it can be judged without its key (RFC 6376 §6.1.1). */
const claim = (field: Canonical.Field, hasher: () => Hash, now: number): Claim | Verification => {
  const tags = Tags.parse(field.text.slice(field.text.indexOf(":") + 1).replaceAll("\r\n", ""))
  if (tags === undefined) return verification(new Map(), [], "permerror", "the field is no list of tags")
  const names = Tags.compact(tags.get("h") ?? "").toLowerCase().split(":").filter((name) => name !== "")
  const broken = (problem: string) => verification(tags, names, "permerror", problem)
  if (tags.get("v") !== "1") return broken("v= is not 1")
  for (const name of ["a", "b", "bh", "d", "h", "s"]) {
    if ((tags.get(name) ?? "") === "") return broken(`${name}= is missing`)
  }
  if (!/^(?:rsa|ed25519)-sha256$/.test(tags.get("a") ?? "")) {
    return broken("a= is no algorithm that may be used (RFC 8301 §3.1)")
  }
  if (!domainName.test(tags.get("d") ?? "") || !domainName.test(tags.get("s") ?? "")) {
    return broken("d= or s= is no domain name")
  }
  if (!names.includes("from")) return broken("h= does not name From")
  const identity = tags.get("i")
  if (identity !== undefined && !within(identity, tags.get("d") ?? "")) return broken("i= is not in d=")
  const [header = "simple", body = "simple"] = (tags.get("c") ?? "simple/simple").split("/")
  const headerForm = forms[header]
  const bodyForm = forms[body]
  if (headerForm === undefined || bodyForm === undefined) return broken("c= is no canonicalization")
  const limit = tags.get("l")
  if (limit !== undefined && !/^\d{1,15}$/.test(limit)) return broken("l= is no number")
  const expires = tags.get("x")
  if (expires !== undefined && Number(expires) * 1000 < now) return broken("the signature has expired")
  return {
    tags,
    field,
    headerForm,
    names,
    bodyHash: Canonical.makeBodyHash(bodyForm, hasher(), limit === undefined ? undefined : Number(limit))
  }
}

const verification = (
  tags: ReadonlyMap<string, string>,
  headers: ReadonlyArray<string>,
  result: Verification["result"],
  problem?: string
): Verification => ({
  domain: tags.get("d"),
  selector: tags.get("s"),
  algorithm: tags.get("a"),
  result,
  problem,
  headers
})

const judge = Effect.fnUntraced(function*<R>(
  { bodyHash, field, headerForm, names, tags }: Claim,
  fields: ReadonlyArray<Canonical.Field>,
  options: VerifyOptions<R>
): Effect.fn.Return<Verification, never, R | Signature.Signature> {
  const say = (result: Verification["result"], problem?: string) => verification(tags, names, result, problem)
  const found = bodyHash.digest()
  const records = yield* Effect.result(options.keys(`${tags.get("s") ?? ""}._domainkey.${tags.get("d") ?? ""}`))
  if (Result.isFailure(records)) return say("temperror", "the key could not be looked up")
  if (records.success.length === 0) return say("permerror", "there is no key at the selector")
  const key = yield* publicKey(records.success, tags)
  if (typeof key === "string") return say("permerror", key)
  if (Base64.encodeText(found) !== Tags.compact(tags.get("bh") ?? "")) return say("fail", "the body was changed")
  const signature = Encoding.decode(Tags.compact(tags.get("b") ?? ""))
  if (Result.isFailure(signature)) return say("permerror", "b= is no base64")
  const data = signedData(
    headerForm,
    Canonical.select(fields.filter((other) => other !== field), names),
    Tags.withoutSignature(field.text)
  )
  const service = yield* Signature.Signature
  const valid = yield* Effect.result(
    service.verify(key, signature.success, tags.get("a") === "ed25519-sha256" ? digest(data) : data)
  )
  return Result.isSuccess(valid) && valid.success
    ? say("pass")
    : say("fail", "the header section was changed, or the key is another")
})

/** The key of the first record that is one (RFC 6376 §6.1.2), or what is wrong with it. */
const publicKey = Effect.fnUntraced(function*(
  records: ReadonlyArray<string>,
  tags: ReadonlyMap<string, string>
): Effect.fn.Return<Signature.PublicKey | string> {
  let problem = "the record holds no key"
  for (const text of records) {
    const record = Tags.parse(text)
    const p = record?.get("p")
    if (record === undefined || p === undefined || (record.get("v") ?? "DKIM1") !== "DKIM1") continue
    if (Tags.compact(p) === "") return "the key was revoked"
    const kind = record.get("k") ?? "rsa"
    if (`${kind}-sha256` !== tags.get("a")) {
      problem = "the key is for another algorithm"
      continue
    }
    if (!(record.get("h") ?? "sha256").split(":").some((name) => name.trim() === "sha256")) {
      return "the key is not for sha256"
    }
    if (!(record.get("s") ?? "*").split(":").some((name) => ["*", "email"].includes(name.trim()))) {
      return "the key is not for mail"
    }
    const identity = tags.get("i")
    const strict = (record.get("t") ?? "").split(":").some((flag) => flag.trim() === "s")
    if (
      strict && identity !== undefined &&
      identity.slice(identity.lastIndexOf("@") + 1).toLowerCase() !== tags.get("d")?.toLowerCase()
    ) {
      return "the key is not for subdomains"
    }
    const bytes = Encoding.decode(Tags.compact(p))
    if (Result.isFailure(bytes)) return "p= is no base64"
    const rsa = kind === "rsa" ? Der.rsaPublicKey(bytes.success) : undefined
    if (rsa !== undefined && rsa.bits < 1024) return `the key has only ${rsa.bits} bits (RFC 8301 §3.2)`
    const key = yield* Effect.result<Signature.PublicKey, unknown, never>(
      rsa === undefined
        ? Signature.publicKey(Signature.ed25519, bytes.success)
        : KeyFormat.decodePublic(KeyFormat.spki, Signature.rsaPkcs1v15Sha256, rsa.spki)
    )
    return Result.isSuccess(key) ? key.success : "p= is no key"
  }
  return problem
})
