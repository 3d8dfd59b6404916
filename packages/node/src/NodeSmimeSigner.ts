/**
 * S/MIME signatures on Node: `node-forge` opens PKCS#12 files (old and new encryptions) and writes ASN.1, `node:crypto`
 * signs. RSA and ECDSA keys. The library is loaded when the first certificate is.
 */
import { MessageError } from "@colloquy/core/MessageError"
import * as SmimeSigner from "@colloquy/core/SmimeSigner"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type Forge from "node-forge"
import * as Crypto from "node:crypto"

type Library = typeof Forge
type Asn1 = Forge.asn1.Asn1

interface Identity {
  readonly key: Crypto.KeyObject
  /** The signer's first. */
  readonly certificates: ReadonlyArray<Crypto.X509Certificate>
}

const failure = (field: "certificate" | "certificatePassword", problem: string) =>
  new MessageError({ field: `smime.${field}`, problem })

const der = (forge: Library, asn1: Asn1): Buffer => Buffer.from(forge.asn1.toDer(asn1).getBytes(), "latin1")

/**
 * The old encryptions and the checksum take a password as UTF-16, PBES2 takes UTF-8: the library knows one form only. For
 * a password that is not ASCII the second try goes without the checksum; a wrong one fails to decrypt.
 */
const openPkcs12 = (forge: Library, octets: Uint8Array, password: string) => {
  const read = () => forge.asn1.fromDer(Buffer.from(octets).toString("latin1"))
  try {
    return forge.pkcs12.pkcs12FromAsn1(read(), password)
  } catch (error) {
    if (/^[\x20-\x7E]*$/.test(password)) throw error
    const file = read()
    if (Array.isArray(file.value)) file.value = file.value.slice(0, 2)
    return forge.pkcs12.pkcs12FromAsn1(file, forge.util.encodeUtf8(password))
  }
}

const fromPkcs12 = (forge: Library, octets: Uint8Array, password: string) => {
  const file = openPkcs12(forge, octets, password)
  const keys: Array<Crypto.KeyObject> = []
  const certificates: Array<Crypto.X509Certificate> = []
  for (const { safeBags } of file.safeContents) {
    for (const bag of safeBags) {
      if (bag.type === forge.pki.oids["certBag"]) {
        certificates.push(
          new Crypto.X509Certificate(der(forge, bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1))
        )
      } else if (bag.type === forge.pki.oids["pkcs8ShroudedKeyBag"] || bag.type === forge.pki.oids["keyBag"]) {
        const key = bag.key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key)) : bag.asn1
        keys.push(Crypto.createPrivateKey({ key: der(forge, key), format: "der", type: "pkcs8" }))
      }
    }
  }
  return { keys, certificates }
}

const fromPem = (text: string, password: string | undefined) => ({
  keys: [Crypto.createPrivateKey({ key: text, ...(password === undefined ? {} : { passphrase: password }) })],
  certificates: [...text.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)]
    .map(([block]) => new Crypto.X509Certificate(block))
})

/** What a library throws may hold what it was given: only which of the two was wrong is said. */
const problemOf = (error: unknown): MessageError =>
  error instanceof Error && /password|MAC|decrypt|passphrase/i.test(error.message)
    ? failure("certificatePassword", "does not open the certificate")
    : failure("certificate", "can't be read: neither PKCS#12 nor PEM with a private key and its certificate")

const identity = (forge: Library, options: SmimeSigner.Options): Identity | MessageError => {
  const password = options.certificatePassword === undefined ? undefined : Redacted.value(options.certificatePassword)
  const { certificates, keys } = options.certificate instanceof Uint8Array
    ? fromPkcs12(forge, options.certificate, password ?? "")
    : fromPem(Redacted.value(options.certificate), password)
  for (const key of keys) {
    const own = certificates.find((certificate) => certificate.checkPrivateKey(key))
    if (own === undefined) continue
    if (key.asymmetricKeyType !== "rsa" && key.asymmetricKeyType !== "ec") {
      return failure("certificate", `has a key of type ${key.asymmetricKeyType}: only RSA and ECDSA keys can sign`)
    }
    return { key, certificates: [own, ...certificates.filter((other) => other !== own)] }
  }
  return failure("certificate", "holds no private key with a certificate that belongs to it")
}

/** A detached CMS SignedData over a SHA-256 digest (RFC 5652 §5.1, §5.3, §5.4). */
const signedData = (forge: Library, { certificates, key }: Identity, digest: Uint8Array, time: number): Uint8Array => {
  const { Class, Type } = forge.asn1
  const node = (type: Forge.asn1.Type, value: string | Array<Asn1>, cls = Class.UNIVERSAL) =>
    forge.asn1.create(cls, type, Array.isArray(value), value)
  const sequence = (...items: Array<Asn1>) => node(Type.SEQUENCE, items)
  const oid = (name: string) => node(Type.OID, forge.asn1.oidToDer(name).getBytes())
  const integer = (value: number) => node(Type.INTEGER, forge.asn1.integerToDer(value).getBytes())
  const binary = (octets: Uint8Array) => node(Type.OCTETSTRING, Buffer.from(octets).toString("latin1"))
  const attribute = (name: string, value: Asn1) => sequence(oid(name), node(Type.SET, [value]))
  const parse = (octets: Uint8Array) => forge.asn1.fromDer(Buffer.from(octets).toString("latin1"))

  const sha256 = sequence(oid("2.16.840.1.101.3.4.2.1"), node(Type.NULL, ""))
  const at = DateTime.toDateUtc(DateTime.makeUnsafe(time))
  const moment = at.getUTCFullYear() < 2050
    ? node(Type.UTCTIME, forge.asn1.dateToUtcTime(at))
    : node(Type.GENERALIZEDTIME, forge.asn1.dateToGeneralizedTime(at))
  // DER: the members of a set stand in the order of their octets
  const attributes = [
    attribute("1.2.840.113549.1.9.3", oid("1.2.840.113549.1.7.1")),
    attribute("1.2.840.113549.1.9.5", moment),
    attribute("1.2.840.113549.1.9.4", binary(digest))
  ].toSorted((a, b) => Buffer.compare(der(forge, a), der(forge, b)))
  const signature = Crypto.sign("sha256", der(forge, node(Type.SET, attributes)), key)

  const own = certificates[0]
  const tbs = own === undefined ? [] : children(children(parse(own.raw))[0])
  // version [0] stands in front of the serial number where it is there
  const offset = tbs[0]?.tagClass === Class.CONTEXT_SPECIFIC ? 1 : 0
  const serial = tbs[offset]
  const issuer = tbs[offset + 2]
  const signer = sequence(
    integer(1),
    sequence(...[issuer ?? [], serial ?? []].flat()),
    sha256,
    node(Type.NONE, attributes, Class.CONTEXT_SPECIFIC),
    key.asymmetricKeyType === "ec"
      ? sequence(oid("1.2.840.10045.4.3.2"))
      : sequence(oid("1.2.840.113549.1.1.1"), node(Type.NULL, "")),
    binary(signature)
  )
  const data = sequence(
    integer(1),
    node(Type.SET, [sha256]),
    sequence(oid("1.2.840.113549.1.7.1")),
    node(Type.NONE, certificates.map(({ raw }) => parse(raw)), Class.CONTEXT_SPECIFIC),
    node(Type.SET, [signer])
  )
  return new Uint8Array(
    der(forge, sequence(oid("1.2.840.113549.1.7.2"), node(Type.NONE, [data], Class.CONTEXT_SPECIFIC)))
  )
}

const children = (asn1: Asn1 | undefined): ReadonlyArray<Asn1> =>
  asn1 !== undefined && Array.isArray(asn1.value) ? asn1.value : []

const library = Effect.promise(() => import("node-forge"))

export const layer: Layer.Layer<SmimeSigner.SmimeSigner> = Layer.succeed(SmimeSigner.SmimeSigner, {
  make: Effect.fnUntraced(function*(options) {
    const { default: forge } = yield* library
    const found = yield* Effect.try({ try: () => identity(forge, options), catch: problemOf })
    if (found instanceof MessageError) return yield* Effect.fail(found)
    const sign = (digest: Uint8Array, time: number) =>
      Effect.try({
        try: () => signedData(forge, found, digest, time),
        catch: () => failure("certificate", "could not sign")
      })
    const size = found.key.asymmetricKeyType === "rsa" ? (yield* sign(new Uint8Array(32), 0)).length : undefined
    return { "~@colloquy/core/SmimeSigner/Signer": true, sign, signatureSize: size }
  })
})
