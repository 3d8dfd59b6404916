/**
 * OpenSSL's and Node's errors of a handshake in plain words: their own texts are file names and addresses in memory.
 */
import type { TlsOptions } from "@colloquy/core/Tls"

export const codeOf = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined

/** The peer's octets were no TLS record. */
export const isPlainText = (cause: unknown): boolean => {
  const code = codeOf(cause)
  return code !== undefined && notTls.has(code)
}
const notTls = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_ENCRYPTED_LENGTH_TOO_LONG",
  "ERR_SSL_RECORD_LAYER_FAILURE",
  "ERR_SSL_UNKNOWN_PROTOCOL",
  "ERR_SSL_BAD_RECORD_TYPE"
])

/**
 * A new error with the words and the code, and nothing else of the old one. OpenSSL names alerts after the version that
 * brought them, and changed that from 3.0 to 3.5.
 */
export const plainWords = (cause: unknown, options: TlsOptions = {}): Error => {
  const code = codeOf(cause)
  const words = describe(cause, code?.replace(/_(?:SSLV3|TLSV1|TLSV13|SSL\/TLS)_ALERT_/, "_ALERT_"), options)
  return code === undefined ? new Error(words) : Object.assign(new Error(`${words} (${code})`), { code })
}

const describe = (cause: unknown, code: string | undefined, options: TlsOptions): string => {
  switch (code) {
    case "ECONNRESET":
      return "the connection was cut during the TLS handshake"
    case "ERR_SSL_ALERT_PROTOCOL_VERSION":
    case "ERR_SSL_UNSUPPORTED_PROTOCOL":
    case "ERR_SSL_NO_PROTOCOLS_AVAILABLE":
      return `the server does not speak ${options.minVersion ?? "TLSv1.2"} or newer`
    case "ERR_SSL_ALERT_HANDSHAKE_FAILURE":
      return "the server refuses: no cipher in common, or it wants a certificate of the client (tls.cert, tls.key)"
    case "ERR_SSL_ALERT_CERTIFICATE_REQUIRED":
      return "the server wants a certificate of the client (tls.cert, tls.key)"
    case "ERR_SSL_ALERT_UNKNOWN_CA":
    case "ERR_SSL_ALERT_BAD_CERTIFICATE":
    case "ERR_SSL_ALERT_UNSUPPORTED_CERTIFICATE":
    case "ERR_SSL_ALERT_CERTIFICATE_UNKNOWN":
      return "the server does not accept the client's certificate (tls.cert)"
    case "ERR_SSL_ALERT_CERTIFICATE_EXPIRED":
      return "the client's certificate has expired (tls.cert)"
    case "ERR_SSL_TLSV1_UNRECOGNIZED_NAME":
    case "ERR_SSL_ALERT_UNRECOGNIZED_NAME":
      return "the server does not serve that name (tls.servername)"
  }
  if (isPlainText(cause)) return "plain text came where TLS was expected"
  return cause instanceof Error && "reason" in cause && typeof cause.reason === "string"
    ? cause.reason
    : "the TLS handshake failed"
}
