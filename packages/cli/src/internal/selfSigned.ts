/**
 * A certificate for this machine alone, for the length of a demonstration: X.509 version 3 (RFC 5280 §4.1), signed by its
 * own key (ECDSA with SHA-256), for `localhost` and 127.0.0.1. The key exists in memory only.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"

/** Tag, length, value (X.690 §8.1). */
const encode = (tag: number, ...contents: ReadonlyArray<Uint8Array>): Uint8Array => {
  const content = Buffer.concat(contents)
  const { length } = content
  const head = length < 0x80
    ? [tag, length]
    : length < 0x100
    ? [tag, 0x81, length]
    : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}
const sequence = (...contents: ReadonlyArray<Uint8Array>) => encode(0x30, ...contents)
const oid = (...octets: ReadonlyArray<number>) => encode(0x06, Uint8Array.from(octets))
const octetString = (content: Uint8Array) => encode(0x04, content)
const bitString = (content: Uint8Array) => encode(0x03, Uint8Array.of(0), content)
const utcTime = (time: number) =>
  encode(0x17, Buffer.from(`${DateTime.formatIso(DateTime.makeUnsafe(time)).slice(2, 19).replaceAll(/[-:T]/g, "")}Z`))

const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
const commonName = (name: string) =>
  sequence(encode(0x31, sequence(oid(0x55, 0x04, 0x03), encode(0x0c, Buffer.from(name)))))
/** subjectAltName (RFC 5280 §4.2.1.6): dNSName is [2], iPAddress [7]. */
const names = sequence(
  oid(0x55, 0x1d, 0x11),
  octetString(sequence(encode(0x82, Buffer.from("localhost")), encode(0x87, Uint8Array.of(127, 0, 0, 1))))
)

const pem = (certificate: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\n${
    Buffer.from(certificate).toString("base64").replaceAll(/.{1,64}/g, "$&\n")
  }-----END CERTIFICATE-----\n`

const hour = 3_600_000

const certificate = (publicKey: KeyObject, privateKey: KeyObject, now: number) => {
  const serial = Buffer.concat([Uint8Array.of(1), randomBytes(8)])
  const toBeSigned = sequence(
    encode(0xa0, encode(0x02, Uint8Array.of(2))),
    encode(0x02, serial),
    ecdsaWithSha256,
    commonName("localhost"),
    sequence(utcTime(now - hour), utcTime(now + 24 * hour)),
    commonName("localhost"),
    publicKey.export({ type: "spki", format: "der" }),
    encode(0xa3, sequence(names))
  )
  return pem(sequence(toBeSigned, ecdsaWithSha256, bitString(sign("sha256", toBeSigned, privateKey))))
}

export const make = Effect.map(Clock.currentTimeMillis, (now) => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString()
  return { cert: certificate(publicKey, privateKey, now), key: Redacted.make(key, { label: "private key" }) }
})
