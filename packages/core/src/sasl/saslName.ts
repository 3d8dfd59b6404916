/** A name inside a GS2 or SCRAM message (RFC 5801 §4, RFC 5802 §5.1): `,` and `=` would end it. */
export const saslName = (name: string): string => name.replaceAll("=", "=3D").replaceAll(",", "=2C")
