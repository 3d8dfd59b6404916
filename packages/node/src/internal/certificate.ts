/**
 * A server's certificates as data, and whether they vouch for a name.
 *
 * Node decides about the chain (OpenSSL's verification) and about the name (`tls.checkServerIdentity`, RFC 9525; an IP
 * address must be among the certificate's IP addresses); this module puts both into words and adds pins.
 */
import { type Certificate, certificateProblem, nameProblem, type TlsOptions } from "@colloquy/core/Tls"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { createHash, X509Certificate } from "node:crypto"
import * as Tls from "node:tls"

export interface Verdict {
  readonly chain: ReadonlyArray<Certificate>
  /** Undefined: chain and name are good, or a pin vouches for the key. */
  readonly problem: string | undefined
}

/** Bounds what a peer makes us keep; OpenSSL bounds the octets of a chain. */
const maxChain = 10
const maxNames = 100

/** For a socket whose handshake ended, and which was told to reject nothing by itself. */
export const judge = (socket: Tls.TLSSocket, options: TlsOptions, wanted: string | undefined): Verdict => {
  // never getPeerX509Certificate: in Node 24 it takes the certificate away, and whoever asks next sees none
  const peer = socket.getPeerCertificate(true)
  const [leaf, ...issuers] = readChain(peer)
  if (leaf === undefined) return { chain: [], problem: "the server shows no certificate" }
  const chain = [leaf, ...issuers].map(read)
  const pins = Arr.ensure(options.pin ?? [])
  const pin = pins.length === 0 ? undefined : pinOf(leaf)
  if (pin !== undefined && pins.includes(pin)) return { chain, problem: undefined }
  const noPin = pin === undefined ? [] : [`its key (${pin}) is not one that tls.pin allows`]
  if (pin !== undefined && options.ca === undefined) return { chain, problem: noPin.join() }
  const byAuthority = [chainProblem(socket, chain), identityProblem(peer, read(leaf), wanted)]
    .filter((problem) => problem !== undefined)
  return { chain, problem: byAuthority.length === 0 ? undefined : [...byAuthority, ...noPin].join("; ") }
}

const chainProblem = (socket: Tls.TLSSocket, chain: ReadonlyArray<Certificate>): string | undefined => {
  if (socket.authorized) return undefined
  const code = String(socket.authorizationError)
  return certificateProblem(code, chain) ?? `the certificate does not verify (${code})`
}

const identityProblem = (
  peer: Tls.PeerCertificate,
  leaf: Certificate,
  wanted: string | undefined
): string | undefined => {
  if (wanted === undefined) return "there is no name to check the certificate against (tls.servername)"
  return Tls.checkServerIdentity(wanted, peer) === undefined ? undefined : nameProblem(wanted, leaf)
}

const readChain = (peer: Tls.DetailedPeerCertificate): ReadonlyArray<X509Certificate> => {
  const chain: Array<X509Certificate> = []
  let next: Tls.DetailedPeerCertificate | undefined = peer
  while (next?.raw !== undefined && chain.length < maxChain) {
    chain.push(new X509Certificate(next.raw))
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate
  }
  return chain
}

const read = (x509: X509Certificate): Certificate => ({
  subject: oneLine(x509.subject),
  names: namesOf(x509),
  issuer: oneLine(x509.issuer),
  validFrom: milliseconds(x509.validFrom),
  validTo: milliseconds(x509.validTo),
  fingerprint256: x509.fingerprint256
})

/** SHA-256 of the SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), base64. */
const pinOf = (x509: X509Certificate): string =>
  createHash("sha256").update(x509.publicKey.export({ type: "spki", format: "der" })).digest("base64")

/** Node has an attribute on each line and escapes line breaks inside; an empty name is `undefined`. */
const oneLine = (name: string | undefined): string => (name ?? "").split("\n").toReversed().join(", ")

/** `Nov  5 10:00:00 2026 GMT`. */
const milliseconds = (text: string): number =>
  Option.match(DateTime.make(text), { onNone: () => 0, onSome: DateTime.toEpochMillis })

const namesOf = (x509: X509Certificate): ReadonlyArray<string> => {
  if (x509.subjectAltName !== undefined) return alternativeNames(x509.subjectAltName).slice(0, maxNames)
  const common = x509.subject?.split("\n").findLast((line) => line.startsWith("CN="))
  return common === undefined ? [] : [common.slice(3)]
}

/**
 * Of Node's text form `DNS:a.example, IP Address:192.0.2.1, DNS:"with, comma"` the host names and IP addresses. A value
 * with special characters is a JSON string, so no name can pass for two.
 */
export const alternativeNames = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/(DNS|IP Address|[^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy)].flatMap(([, kind, value = ""]) =>
    kind === "DNS" || kind === "IP Address" ? [value.startsWith("\"") ? unquote(value) : value] : []
  )

const unquote = (value: string): string => {
  try {
    return String(JSON.parse(value))
  } catch {
    return value
  }
}
