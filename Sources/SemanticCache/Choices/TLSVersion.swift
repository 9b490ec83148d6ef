/// The oldest version of TLS that is spoken.
package enum TLSVersion: String, Choice {
    case v12 = "v1.2"
    case v13 = "v1.3"
}
